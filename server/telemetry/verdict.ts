import type { HopRecord } from '#domain';
import type { RequestSummary } from './doors.ts';
import { isPlainTcp, summarize } from './summary.ts';

/**
 * One sentence for a learner: who answered this call and why. `hops` are the hops of one call, the caller's and the server's where there
 * are both; empty when there is none.
 */
export function verdictOf(hops: readonly HopRecord[]): string {
  const call = hops.find((hop) => hop.direction === 'outbound');
  const answer = hops.findLast(
    (hop) => hop.direction === 'inbound' && (call === undefined || hop.parentSpanId === call.spanId),
  );
  const summary = summaryOf(call, answer);
  if (summary === undefined) return '';
  const { answeredBy, destination, status } = summary;
  const target = destination.version === '' ? destination.service : `${destination.service} ${destination.version}`;
  const last = (answer ?? call)!;
  if (isPlainTcp(last)) {
    return `${target} took the connection: ${last.request.bytes} bytes to it, ${last.response.bytes} bytes back.`;
  }
  if (isMirror(call)) return `${target} answered ${status} to a mirrored copy: its answer went to nobody.`;
  if (answeredBy === 'upstream')
    return `${target} itself answered ${status}.${delayNote(call)}${retryNote(call)}${corsNote(call)}`;
  if (answeredBy === 'server-proxy' && answer !== undefined) return serverVerdict(call, answer);
  return call === undefined ? '' : `${owner(call)} ${clientReason(call, target)}${delayNote(call)}${retryNote(call)}`;
}

function summaryOf(call: HopRecord | undefined, answer: HopRecord | undefined): RequestSummary | undefined {
  if (answer !== undefined) return summarize(call, answer);
  return call && summarize(call, undefined);
}

const owner = ({ proxy }: HopRecord): string =>
  proxy.role === 'gateway' ? `The gateway ${proxy.service}` : `${proxy.service}'s proxy`;

/** Details of connections that ended before a request. */
const REFUSALS: readonly string[] = ['filter_chain_not_found', 'downstream_transport_failure'];

function serverVerdict(call: HopRecord | undefined, answer: HopRecord): string {
  if (!REFUSALS.includes(answer.response.details)) {
    return `${owner(answer)} answered ${answer.response.status} in place of its application: ${plainDetails(answer)}.`;
  }
  const refusal = `${owner(answer)} refused the connection: ${refusalReason(answer)}.`;
  return call === undefined ? refusal : `${refusal} ${owner(call)} made that a ${call.response.status}.`;
}

function refusalReason(answer: HopRecord): string {
  const handshake = answer.steps.find(({ stage, outcome }) => stage === 'tls_server' && outcome === 'stopped');
  if (handshake?.detail !== undefined) return handshake.detail;
  const chain = answer.steps.find((step) => step.stage === 'filter_chain');
  const wantsTls = chain?.rejected?.some(({ reason }) => reason === 'needs TLS, the client sent plaintext');
  return wantsTls ? 'the port takes mutual TLS only, and the client sent plaintext' : 'none of its filter chains fits';
}

/** By flag, the strongest first: the first one that the hop carries gives the reason. */
const REASONS: readonly (readonly [flag: string, reason: (call: HopRecord, target: string) => string])[] = [
  ['FI', ({ response }) => `answered ${response.status} itself: a fault rule says so.`],
  ['NR', ({ request }) => `refused it: it has no route for ${request.method} ${request.authority}${request.path}.`],
  ['NC', ({ cluster }) => `refused it: its route leads to ${cluster}, a cluster that it does not have.`],
  ['UH', (_call, target) => `refused it: ${target} has no endpoint that may be used.`],
  ['UO', (_call, target) => `refused it: its circuit breaker for ${target} is full.`],
  ['UT', (call, target) => `gave up: ${target} did not answer ${timeoutWords(call)}.`],
  ['UF', ({ upstreamHost }, target) => `could not connect to ${target}${at(upstreamHost)}.`],
  [
    'UC',
    ({ upstreamHost }, target) => `lost the connection: ${target}${at(upstreamHost)} closed it before it answered.`,
  ],
  ['UR', (_call, target) => `lost the stream: ${target} reset it.`],
  ['UPE', (_call, target) => `could not read the answer of ${target}: it is not HTTP.`],
  ['DC', () => 'stopped: the client went away before the answer was complete.'],
];

function clientReason(call: HopRecord, target: string): string {
  const found = REASONS.find(([flag]) => call.response.flags.includes(flag));
  return found?.[1](call, target) ?? `answered ${call.response.status} itself: ${plainDetails(call)}.`;
}

const at = (host: string): string => (host === '' ? '' : ` at ${host}`);

const timeoutWords = ({ response }: HopRecord): string =>
  response.details === 'upstream_per_try_timeout' ? 'within the time of one try' : "within the route's timeout";

/** A copy that a route's mirror sent has one step, the mirror itself. */
const isMirror = (call: HopRecord | undefined): boolean =>
  call?.steps.length === 1 && call.steps[0]?.stage === 'route' && call.steps[0].outcome === 'applied';

/** `ns[shop]-policy[no-admin]-rule[1]`, as Istio names what its policies become. */
const RBAC_RULE = /policy\[ns\[([^\]]*)\]-policy\[([^\]]*)\]-rule\[(\d+)\]/;

function plainDetails({ response, steps }: HopRecord): string {
  const { details } = response;
  // The last response step says that the route answered, the one before it what it says.
  if (details === 'direct_response')
    return steps.find(({ stage }) => stage === 'response')?.detail ?? 'its route says so';
  if (details === 'cors_response') return steps.find(isStoppedFilter)?.detail ?? 'a preflight';
  if (details === 'rbac_access_denied_matched_policy[none]') return 'no ALLOW policy has a rule that matches';
  const [, namespace, policy, rule] = RBAC_RULE.exec(details) ?? [];
  if (policy !== undefined) return `rules[${rule}] of the DENY policy ${namespace}/${policy} matches`;
  return details.replaceAll('_', ' ');
}

const isStoppedFilter = ({ stage, outcome }: HopRecord['steps'][number]): boolean =>
  stage === 'http_filter' && outcome === 'stopped';

/** The answer is there, and a browser hides it: what a learner who sees 200 in the list looks for. */
function corsNote(call: HopRecord | undefined): string {
  const origin = call?.steps.find(({ evidence }) => evidence?.['allowed'] === false)?.evidence?.['origin'];
  return origin === undefined ? '' : ` Origin ${origin} is not allowed, so a browser keeps the answer from the page.`;
}

const delayNote = (call: HopRecord | undefined): string =>
  call?.response.flags.includes('DI') ? ' A fault rule delayed it first.' : '';

function retryNote(call: HopRecord | undefined): string {
  if (call === undefined || call.attempts < 2) return '';
  return call.response.flags.includes('URX')
    ? ` It was tried ${call.attempts} times.`
    : ` It took ${call.attempts} tries.`;
}

import { originOf, policyOrigin, readOrigins } from '#data-plane';
import { type DecisionStep, FORMER_LISTENER, type Origin } from '#domain';
import type { HopEntry } from './hop-format.ts';

const UNSAID = 'A real Envoy tells what it chose, not why.';
const FORMER =
  'The listener has changed since this connection was opened: Envoy serves the request as before the change, and the connection ends with the answer.';
const FILTERS = 'envoy.filters.http.';

/** The filters that answer themselves, by how their response code details begin, and the part of the route that made them. */
const ANSWERING: readonly { readonly details: string; readonly filter: string; readonly part?: string }[] = [
  { details: 'rbac_access_denied', filter: 'rbac' },
  { details: 'jwt_authn_access_denied', filter: 'jwt_authn' },
  { details: 'fault_filter_abort', filter: 'fault', part: 'fault.abort' },
  { details: 'cors_response', filter: 'cors', part: 'cors' },
  { details: 'local_rate_limited', filter: 'local_ratelimit' },
  { details: 'request_rate_limited', filter: 'ratelimit' },
  { details: 'rate_limiter_error', filter: 'ratelimit' },
  { details: 'ext_authz_', filter: 'ext_authz' },
];
/** Parts of a route that end a request, by the response code details that tell of them. */
const ENDING: Readonly<Record<string, string>> = {
  response_timeout: 'timeout',
  upstream_per_try_timeout: 'retry_policy',
  cluster_not_found: 'cluster',
};

/** Response code details, or why a connection ended. */
export const detailsOf = ({ details, terminated }: HopEntry): string => details ?? terminated ?? '';

export const flagsOf = ({ flags }: HopEntry): string[] => (flags === '-' || flags === null ? [] : flags.split(','));

/**
 * What an Envoy chose, each with the field of YAML behind it, which the configuration carries along; which candidates it looked at, it does not
 * tell. `isFormer`: it served the request by a filter chain that is no longer in force.
 */
export function toldSteps(entry: HopEntry, isFormer: boolean): DecisionStep[] {
  const { chain_name, client_uri, cluster, duration, host, host_uri, route } = entry;
  const origins = originsOf(entry);
  const steps: DecisionStep[] = [];
  const say = (step: Omit<DecisionStep, 'atMs'>, origin?: Origin, atMs = 0): void =>
    void steps.push({ ...step, ...(origin && { origin }), atMs });
  if (isFormer) {
    const evidence = { [FORMER_LISTENER]: true };
    say(
      { stage: 'filter_chain', outcome: 'applied', name: chain_name ?? '', detail: FORMER, evidence },
      origins.chain(),
    );
  } else if (chain_name)
    say({ stage: 'filter_chain', outcome: 'chosen', name: chain_name, detail: UNSAID }, origins.chain());
  if (client_uri) say({ stage: 'tls_server', outcome: 'passed', name: client_uri, evidence: { peer: client_uri } });
  if (route) say({ stage: 'route', outcome: 'chosen', name: route, detail: UNSAID }, origins.route('match'));
  for (const filter of filterSteps(entry, origins)) say(filter, filter.origin);
  if (cluster) say({ stage: 'cluster', outcome: 'chosen', name: cluster, detail: UNSAID }, origins.cluster(cluster));
  if (host) say({ stage: 'endpoint', outcome: 'chosen', name: host, detail: UNSAID }, origins.host());
  if (host_uri) say({ stage: 'tls_peer', outcome: 'passed', name: host_uri, evidence: { peer: host_uri } });
  say(answerStep(entry), endOrigin(entry, origins), duration);
  return steps;
}

interface ToldOrigins {
  chain(): Origin | undefined;
  route(part: string): Origin | undefined;
  cluster(name: string): Origin | undefined;
  host(): Origin | undefined;
}

function originsOf({ origins }: HopEntry): ToldOrigins {
  const read = (told: unknown) =>
    typeof told === 'object' && told !== null
      ? readOrigins({ filter_metadata: { meshwork: told as Record<string, unknown> } })
      : undefined;
  return {
    chain: () => originOf(read(origins.chain)),
    route: (part) => originOf(read(origins.route), part),
    cluster: (name) => originOf(read(origins.cluster), name.split('|')[2] ? 'subset' : undefined),
    host: () => originOf(read(origins.host)),
  };
}

/** The filters that Envoy names: by the answer that is theirs, and by the flag of a delay. */
function filterSteps(entry: HopEntry, origins: ToldOrigins): Omit<DecisionStep, 'atMs'>[] {
  const details = detailsOf(entry);
  const steps: Omit<DecisionStep, 'atMs'>[] = [];
  if (flagsOf(entry).includes('DI')) {
    const origin = origins.route('fault.delay');
    steps.push({
      ...{ stage: 'http_filter', outcome: 'applied', name: `${FILTERS}fault`, detail: UNSAID },
      ...(origin && { origin }),
    });
  }
  const answering = ANSWERING.find((each) => details.startsWith(each.details));
  if (answering === undefined) return steps;
  const { filter, part } = answering;
  const origin = filter === 'rbac' ? policyOrigin(details) : part && origins.route(part);
  steps.push({
    ...{ stage: 'http_filter', outcome: 'stopped', name: FILTERS + filter, detail: `${details}. ${UNSAID}` },
    ...(origin && { origin }),
  });
  return steps;
}

/** The field that ended the request, where there is one. */
function endOrigin(entry: HopEntry, origins: ToldOrigins): Origin | undefined {
  const details = detailsOf(entry);
  if (details === 'direct_response')
    return origins.route(entry.status >= 300 && entry.status < 400 ? 'redirect' : details);
  const part = ENDING[details];
  return part === undefined ? undefined : origins.route(part);
}

function answerStep(entry: HopEntry): Omit<DecisionStep, 'atMs'> {
  const { attempts, kind, status, transport_failure } = entry;
  const details = detailsOf(entry);
  const flags = flagsOf(entry);
  return {
    stage: 'response',
    outcome: details === 'via_upstream' || (kind === 'tcp' && flags.length === 0) ? 'passed' : 'stopped',
    name: String(status),
    detail: `${details || 'no details'}. ${UNSAID}`,
    evidence: {
      status,
      flags: flags.join(','),
      details,
      attempts: Number(attempts ?? 0),
      ...(transport_failure && { transportFailure: transport_failure }),
    },
  };
}

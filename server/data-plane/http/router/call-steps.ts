import type { RejectedCandidate } from '#domain';
import { parseClusterName } from '#domain';
import type { CompiledCluster } from '../../config/cluster-config.ts';
import type { EndpointConfig } from '../../config/endpoint-config.ts';
import { type Origins, originOf, partOrigin } from '../../config/origins.ts';
import type { CompiledRoute } from '../../config/route-table.ts';
import type { HopSteps, StepNote } from '../../decisions/hop-steps.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Host } from '../../upstream/host.ts';
import type { HostChoice } from '../../upstream/pick-context.ts';
import type { RoutePriority } from '../../upstream/pool-breakers.ts';
import type { RequestHead, ResetReason, TlsFacts } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { UpstreamAttempt } from './attempt.ts';
import { RESET_WORDS } from './reset-reasons.ts';
import type { RetryVerdict } from './retry-state.ts';

export function noteCluster(steps: HopSteps, cluster: UpstreamCluster): void {
  steps.say('cluster', 'chosen', cluster.config.name, clusterWords, cluster.config, cluster.hostCount);
}

const ORIGINAL = 'its host is the one that the connection was made to';
const ofMembers = (names: readonly string[]): string =>
  `made of ${names.length} clusters, the first ones preferred as long as enough of their hosts are healthy: ${names.join(', ')}`;

function clusterWords(config: CompiledCluster, hosts: number): StepNote {
  const policy = config.balancing.policy.toLowerCase().replaceAll('_', ' ');
  const balanced = `${hosts} host${hosts === 1 ? '' : 's'}, balanced by ${policy}`;
  return {
    detail:
      config.type === 'ORIGINAL_DST' ? ORIGINAL : config.members === undefined ? balanced : ofMembers(config.members),
    origin: originOf(config.origins, parseClusterName(config.name)?.subset ? 'subset' : undefined),
    evidence: { type: config.type, lbPolicy: config.balancing.policy, hosts },
  };
}

/** Path and host as they were, and as the host is asked for them. */
export function noteRewrite(steps: HopSteps, route: CompiledRoute, before: Target, { path, authority }: Target): void {
  if (before.path === path && before.authority === authority) return;
  steps.say('route', 'applied', '', rewriteWords, route.origins, before.path, path, before.authority, authority);
}

type Target = Pick<RequestHead, 'path' | 'authority'>;

function rewriteWords(
  origins: Origins | undefined,
  path: string,
  newPath: string,
  host: string,
  newHost: string,
): StepNote {
  const changes = [
    ...(path === newPath ? [] : [`path ${path} becomes ${newPath}`]),
    ...(host === newHost ? [] : [`host ${host} becomes ${newHost}`]),
  ];
  const parts = ['prefix_rewrite', 'regex_rewrite', 'host_rewrite_literal'];
  const part = parts.find((one) => partOrigin(origins, one) !== undefined);
  return { detail: `the route rewrites the request: ${changes.join(', ')}`, origin: originOf(origins, part) };
}

/** Notes the balancer's choice; the hosts that could not be chosen are told with the reason. */
export function noteEndpoint(
  steps: HopSteps,
  cluster: UpstreamCluster,
  choice: HostChoice,
  tried: ReadonlySet<string> = NONE_TRIED,
): void {
  const { config } = cluster;
  const { candidates, host } = choice;
  const rejected = config.type === 'ORIGINAL_DST' ? NONE_REJECTED : unusable(cluster, choice, tried);
  const { endpoint, activeRequests } = host;
  const [healthy, total] = [candidates?.healthy, candidates?.total];
  const panic = candidates?.panic === true;
  const why = choice.why();
  steps.say(
    'endpoint',
    'chosen',
    host.key,
    endpointWords,
    config,
    endpoint,
    activeRequests,
    why,
    rejected,
    panic,
    healthy,
    total,
  );
}

const NONE_TRIED: ReadonlySet<string> = new Set();
const NONE_REJECTED: readonly RejectedCandidate[] = [];

/** `healthy` and `total` are undefined where hosts are not looked through. */
function endpointWords(
  config: CompiledCluster,
  endpoint: EndpointConfig,
  activeRequests: number,
  why: string,
  rejected: readonly RejectedCandidate[],
  panic: boolean,
  healthy: number | undefined,
  total: number | undefined,
): StepNote {
  return {
    detail: panic ? `only ${healthy} of ${total} hosts are healthy, so all of them are used (panic); ${why}` : why,
    origin: partOrigin(config.origins, 'lb_policy'),
    rejected,
    evidence: {
      policy: config.balancing.policy,
      weight: endpoint.weight,
      activeRequests,
      ...(healthy !== undefined && total !== undefined && { healthy, total }),
    },
  };
}

function unusable(
  cluster: UpstreamCluster,
  choice: HostChoice,
  tried: ReadonlySet<string>,
): readonly RejectedCandidate[] {
  if (cluster.hostCount < 2) return NONE_REJECTED;
  const rejected: RejectedCandidate[] = [];
  for (const host of cluster.hosts) {
    if (host === choice.host) continue;
    const reason = whyUnusable(host);
    if (reason !== undefined) rejected.push({ name: host.key, reason });
    else if (tried.has(host.key)) rejected.push({ name: host.key, reason: 'was tried already' });
  }
  return rejected;
}

function whyUnusable(host: Host): string | undefined {
  if (host.ejected) return 'is ejected: it failed too often in a row';
  if (host.failedCheck) return host.checkTimedOut ? 'does not answer its health check' : 'fails its health check';
  return host.endpoint.healthy ? undefined : 'is not ready';
}

const whyEmpty = ({ config }: UpstreamCluster): string =>
  config.name === 'BlackHoleCluster'
    ? 'this cluster has no endpoints on purpose: what is no service of the mesh is let out to nobody'
    : 'this cluster has no endpoints: no ready pod matches it';

export function noteNoHost(steps: HopSteps, cluster: UpstreamCluster): void {
  steps.add('endpoint', 'stopped', cluster.config.name, () => {
    const { hosts } = cluster;
    return {
      detail: hosts.length === 0 ? whyEmpty(cluster) : `none of its ${hosts.length} hosts may be used`,
      origin: originOf(cluster.config.origins, 'subset'),
      rejected: hosts.map((host) => ({
        name: host.key,
        reason: whyUnusable(host) ?? 'is not ready',
      })),
      evidence: { total: hosts.length },
    };
  });
}

/** A connection to a host, as the pool gave it or as it was opened. */
export interface GivenConnection {
  readonly reused: boolean;
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
}

/** Notes the connection to a host, and whom TLS proved to be on the other side. */
export function noteConnected(
  steps: HopSteps,
  cluster: UpstreamCluster,
  { choice, priority }: { readonly choice: { readonly host: Host }; readonly priority: RoutePriority },
  { reused, localAddress, tls }: GivenConnection,
): void {
  const { config } = cluster;
  const { host } = choice;
  const { connections, requests } = cluster.breakers[priority];
  steps.say('pool', 'passed', host.key, poolWords, config, reused, connections, requests, localAddress, priority);
  const outcome = tls === undefined ? 'passed' : 'applied';
  steps.say('tls_peer', outcome, tls?.peerSpiffeId || host.key, peerWords, config, tls);
}

function poolWords(
  config: CompiledCluster,
  reused: boolean,
  connections: number,
  requests: number,
  localAddress: string,
  priority: RoutePriority,
): StepNote {
  return {
    detail: reused ? 'a connection that was open already' : 'a new connection',
    origin: partOrigin(config.origins, 'circuit_breakers'),
    evidence: { reused, connections, requests, local: localAddress, ...(priority === 'HIGH' && { priority }) },
  };
}

function peerWords(config: CompiledCluster, tls: TlsFacts | undefined): StepNote {
  const origin = partOrigin(config.origins, 'transport_socket');
  if (tls === undefined) {
    return { detail: 'plaintext: this connection is neither encrypted nor proves who answers', origin };
  }
  return {
    detail: `${tls.version}: the host proved to be ${tls.peerSpiffeId || 'the owner of its certificate'}`,
    origin,
    evidence: { tlsVersion: tls.version, peer: tls.peerSpiffeId, sni: tls.sni, alpn: tls.alpn, cipher: tls.cipher },
  };
}

const CAUSE_WORDS: Readonly<Record<string, string>> = {
  '5xx': 'retryOn has 5xx, which covers it',
  'gateway-error': 'retryOn has gateway-error, which covers it',
  'connect-failure': 'retryOn has connect-failure',
  'retriable-status-codes': 'retryOn lists this status code',
};

function retryWords(verdict: RetryVerdict | undefined): string {
  if (verdict === undefined) return '';
  if (verdict.again) {
    const words = CAUSE_WORDS[verdict.cause] ?? `retryOn has ${verdict.cause}`;
    return `; ${words}, so it tries again in ${verdict.waitMs} ms`;
  }
  if (verdict.why === 'limit') return '; all tries are used up';
  return verdict.why === 'overflow' ? '; too many retries are under way already' : '';
}

export function noteAnswer(
  exchange: Exchange,
  attempt: UpstreamAttempt,
  status: number,
  verdict: RetryVerdict | undefined,
): void {
  const again = verdict?.again === true;
  const ms = Math.round(exchange.steps.nowMs() - attempt.startedAt);
  const outcome = again ? 'stopped' : 'passed';
  const { key } = attempt.choice.host;
  const told = retryWords(verdict);
  if (verdict?.again !== true)
    exchange.steps.say('attempt', outcome, key, answerWords, status, ms, told, exchange.route);
  else
    exchange.steps.say(
      'attempt',
      outcome,
      key,
      retriedWords,
      status,
      ms,
      told,
      exchange.route,
      verdict.cause,
      verdict.waitMs,
    );
}

function answerWords(status: number, ms: number, retry: string, route: CompiledRoute | undefined): StepNote {
  return {
    detail: `answered ${status} in ${ms} ms${retry}`,
    origin: partOrigin(route?.origins, 'retry_policy'),
    evidence: { status, durationMs: ms },
  };
}

function retriedWords(
  status: number,
  ms: number,
  retry: string,
  route: CompiledRoute | undefined,
  cause: string,
  waitMs: number,
): StepNote {
  const note = answerWords(status, ms, retry, route);
  return { ...note, evidence: { ...note.evidence, retryOn: cause, waitMs } };
}

export interface FailureNote {
  readonly reason?: ResetReason;
  readonly detail?: string;
  /** In place of the reason's own words. */
  readonly plain?: string;
  readonly verdict: RetryVerdict | undefined;
  readonly part?: string;
}

export function noteFailure(exchange: Exchange, name: string, note: FailureNote): void {
  const { reason, detail, verdict } = note;
  const words = reason === undefined ? '' : RESET_WORDS[reason].plain;
  exchange.steps.add(reason === 'overflow' ? 'pool' : 'attempt', 'stopped', name, () => ({
    detail: `${note.plain ?? words}${detail ? ` (${detail})` : ''}${retryWords(verdict)}`,
    origin: failureOrigin(exchange, note),
    evidence: { ...(reason !== undefined && { reason }), ...(verdict?.again === true && { waitMs: verdict.waitMs }) },
  }));
}

/** An overflow is the pool's doing, everything else is judged by the route's own fields. */
function failureOrigin(exchange: Exchange, { reason, part }: FailureNote) {
  if (reason !== 'overflow') return partOrigin(exchange.route?.origins, part ?? 'retry_policy');
  return partOrigin(exchange.runtime.clusters.get(exchange.info.cluster)?.config.origins, 'circuit_breakers');
}

import type { RejectedCandidate } from '#domain';
import { parseClusterName } from '#domain';
import { originOf, partOrigin } from '../../config/origins.ts';
import type { HopSteps } from '../../decisions/hop-steps.ts';
import type { HostChoice, UpstreamCluster } from '../../upstream/cluster.ts';
import type { Host } from '../../upstream/host.ts';
import type { RoutePriority } from '../../upstream/pool-breakers.ts';
import type { ResetReason, TlsFacts } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { UpstreamAttempt } from './attempt.ts';
import { RESET_WORDS } from './reset-reasons.ts';
import type { RetryVerdict } from './retry-state.ts';

export function noteCluster(steps: HopSteps, cluster: UpstreamCluster): void {
  const { config, hosts } = cluster;
  const policy = config.balancing.policy.toLowerCase().replaceAll('_', ' ');
  steps.add('cluster', 'chosen', config.name, () => ({
    detail: `${hosts.length} host${hosts.length === 1 ? '' : 's'}, balanced by ${policy}`,
    origin: originOf(config.origins, parseClusterName(config.name)?.subset ? 'subset' : undefined),
    evidence: { type: config.type, lbPolicy: config.balancing.policy, hosts: hosts.length },
  }));
}

/** Notes the balancer's choice; the hosts that could not be chosen are told with the reason. */
export function noteEndpoint(
  steps: HopSteps,
  cluster: UpstreamCluster,
  choice: HostChoice,
  tried: ReadonlySet<string>,
): void {
  const { candidates, host } = choice;
  const why = choice.why();
  const rejected = cluster.config.type === 'ORIGINAL_DST' ? [] : unusable(cluster, choice, tried);
  steps.add('endpoint', 'chosen', host.key, () => ({
    detail: candidates?.panic
      ? `only ${candidates.healthy} of ${candidates.total} hosts are healthy, so all of them are used (panic); ${why}`
      : why,
    origin: partOrigin(cluster.config.origins, 'lb_policy'),
    rejected,
    evidence: {
      policy: cluster.config.balancing.policy,
      weight: host.endpoint.weight,
      activeRequests: host.activeRequests,
      ...(candidates !== undefined && { healthy: candidates.healthy, total: candidates.total }),
    },
  }));
}

function unusable(cluster: UpstreamCluster, choice: HostChoice, tried: ReadonlySet<string>): RejectedCandidate[] {
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

export function noteNoHost(steps: HopSteps, cluster: UpstreamCluster): void {
  steps.add('endpoint', 'stopped', cluster.config.name, () => {
    const { hosts } = cluster;
    return {
      detail:
        hosts.length === 0
          ? 'this cluster has no endpoints: no ready pod matches it'
          : `none of its ${hosts.length} hosts may be used`,
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
  steps.add('pool', 'passed', host.key, () => ({
    detail: reused ? 'a connection that was open already' : 'a new connection',
    origin: partOrigin(config.origins, 'circuit_breakers'),
    evidence: { reused, connections, requests, local: localAddress, ...(priority === 'HIGH' && { priority }) },
  }));
  const origin = partOrigin(config.origins, 'transport_socket');
  steps.add('tls_peer', tls === undefined ? 'passed' : 'applied', tls?.peerSpiffeId || host.key, () => ({
    detail:
      tls === undefined
        ? 'plaintext: this connection is neither encrypted nor proves who answers'
        : `${tls.version}: the host proved to be ${tls.peerSpiffeId || 'the owner of its certificate'}`,
    origin,
    ...(tls !== undefined && {
      evidence: { tlsVersion: tls.version, peer: tls.peerSpiffeId, sni: tls.sni, alpn: tls.alpn, cipher: tls.cipher },
    }),
  }));
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
  const ms = Math.round(exchange.runtime.clock.monotonic() - attempt.startedAt);
  exchange.steps.add('attempt', again ? 'stopped' : 'passed', attempt.choice.host.key, () => ({
    detail: `answered ${status} in ${ms} ms${retryWords(verdict)}`,
    origin: partOrigin(exchange.route?.origins, 'retry_policy'),
    evidence: {
      status,
      durationMs: ms,
      ...(verdict?.again === true && { retryOn: verdict.cause, waitMs: verdict.waitMs }),
    },
  }));
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

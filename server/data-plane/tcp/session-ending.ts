import type { ConnectionEnding } from '../http/stream-info.ts';
import { NO_CLUSTER } from './tcp-upstream.ts';

/** How a connection has ended of which nothing is known yet. */
export const newEnding = (): ConnectionEnding => ({
  downstream: 'Normal',
  upstream: 'Normal',
  downstreamReason: '',
  upstreamReason: '',
});

/** One end has reset its connection. As in Envoy, a host's reset counts for both, and a client's for its own alone. */
export function endsByReset(ending: ConnectionEnding, by: 'client' | 'host'): void {
  ending.downstream = by === 'client' ? 'RemoteReset' : 'LocalReset';
  if (by === 'host') ending.upstream = 'RemoteReset';
}

/** Envoy's numbers of why no connection to a host came about (UpstreamFailureReason), by the details of requests. */
const FAILURES: Readonly<Record<string, number>> = {
  no_healthy_upstream: 1,
  'upstream_reset_before_response_started{overflow}': 2,
  [NO_CLUSTER]: 3,
};
const CONNECT_FAILED = 0;

/** Why the client's connection is closed where none to a host came about. The word is Envoy's own. */
export const initFailure = (details: string): string =>
  `tcp_initializion_failure:${FAILURES[details] ?? CONNECT_FAILED}`;

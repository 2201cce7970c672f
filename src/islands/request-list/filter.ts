import type { RequestView } from '#contract';
import { outcomeOf } from '../../lab-client/index.ts';

export const filters = ['all', 'failed', 'slow'] as const;
export type Filter = (typeof filters)[number];

/** Rows of the list, oldest first: the filter's, up to a moment in the past, at most `limit` of the newest. */
export function rowsOf(
  requests: readonly RequestView[],
  choice: { filter: Filter; atMs?: number | undefined; limit: number },
): RequestView[] {
  const { filter, atMs, limit } = choice;
  return requests
    .filter((request) => filter === 'all' || outcomeOf(request) === filter)
    .filter((request) => atMs === undefined || request.atMs <= atMs)
    .slice(-limit);
}

export function countFailed(requests: readonly RequestView[], atMs?: number): number {
  return requests.filter((request) => outcomeOf(request) === 'failed' && (atMs === undefined || request.atMs <= atMs))
    .length;
}

/** Width in px of a latency bar: a pixel or more for all, 46 px from half a second on. */
export function barWidth(ms: number): number {
  return Math.max(2, Math.round(46 * Math.min(1, ms / 500)));
}

const FLAG_NAMES: Record<string, string> = {
  UO: 'Upstream overflow: a circuit breaker had no room',
  UH: 'No healthy upstream host',
  UF: 'Upstream connection failure',
  UC: 'Upstream connection termination',
  UT: 'Upstream request timeout',
  UR: 'Upstream remote reset',
  URX: 'Retries or connection attempts ran out',
  NR: 'No route configured',
  NC: 'No cluster found',
  DC: 'Downstream connection termination',
  DT: 'The request or the connection lasted too long',
  DPE: 'Downstream protocol error',
  UPE: 'Upstream protocol error',
  LH: 'Local health check failed',
  LR: 'Local reset',
  DI: 'Delayed by fault injection',
  FI: 'Aborted by fault injection',
  RL: 'Rate limited',
  RLSE: 'Rate limit service error',
  UAEX: 'Refused by external authorization',
  SI: 'Stream idle timeout',
  IH: 'Invalid header value',
};

export function flagTitle(flags: readonly string[]): string | undefined {
  const names = flags.map((flag) => FLAG_NAMES[flag] ?? flag);
  return names.length > 0 ? names.join('; ') : undefined;
}

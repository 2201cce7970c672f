import type { EdgeRate, RequestSummary } from './doors.ts';

/** A call that takes at least this long counts as slow. */
export const SLOW_MS = 500;

/** Counts calls per edge, a pair of workload versions. */
export function rateEdges(requests: readonly RequestSummary[]): readonly EdgeRate[] {
  const edges = new Map<string, RequestSummary[]>();
  for (const request of requests) {
    const { source, destination } = request;
    const key = JSON.stringify([source.service, source.version, destination.service, destination.version]);
    const members = edges.get(key);
    if (members === undefined) edges.set(key, [request]);
    else members.push(request);
  }
  return [...edges.values()].map(rateEdge);
}

function rateEdge(requests: readonly RequestSummary[]): EdgeRate {
  const { source, destination } = requests[0]!;
  const durations = requests.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const flags: Record<string, number> = {};
  for (const request of requests)
    for (const flag of request.flags) flags[flag] = (flags[flag] ?? 0) + weightOf(request);
  return {
    source: source.service,
    sourceVersion: source.version,
    destination: destination.service,
    destinationVersion: destination.version,
    requests: total(requests),
    errors: total(requests.filter(({ status, flags: own }) => status >= 500 || (status === 0 && own.length > 0))),
    slow: total(requests.filter(({ durationMs }) => durationMs >= SLOW_MS)),
    mtls: isMutual(requests),
    p50: percentile(durations, 50),
    p90: percentile(durations, 90),
    p99: percentile(durations, 99),
    flags,
  };
}

/** A request that its own proxy answered never had a connection, so it says nothing about the edge. */
function isMutual(requests: readonly RequestSummary[]): boolean {
  const connected = requests.filter(({ mtls, answeredBy }) => mtls || answeredBy !== 'client-proxy');
  return connected.length > 0 && connected.every(({ mtls }) => mtls);
}

const weightOf = ({ standsFor = 1 }: RequestSummary): number => standsFor;

const total = (requests: readonly RequestSummary[]): number =>
  requests.reduce((sum, request) => sum + weightOf(request), 0);

/** Nearest rank of a sorted, non-empty list. */
const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;

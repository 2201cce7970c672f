import type { ReplayOutcome, RunSum } from '#contract';
import type { HopRecord } from '#domain';
import type { SentRequest } from '#labs';
import type { HopStore } from '#telemetry';

/** What the proxies recorded of one request, beside what its client saw. */
export function outcomeOf(sent: SentRequest, hops: HopStore): ReplayOutcome {
  const trace = hops.trace(sent.traceId);
  return {
    status: sent.status,
    ...(sent.failure ? { failure: sent.failure } : {}),
    tookMs: sent.tookMs,
    calls: trace.flatMap((hop) => callOf(hop, trace)),
  };
}

/** A call is told by its caller's proxy; by the callee's where the caller has none. */
function callOf(hop: HopRecord, trace: readonly HopRecord[]): ReplayOutcome['calls'] {
  const caller = hop.direction === 'outbound';
  if (!caller && trace.some((other) => other.spanId === hop.parentSpanId)) return [];
  const answer = caller
    ? trace.find((other) => other.parentSpanId === hop.spanId && other.direction === 'inbound')
    : hop;
  const { status, flags } = hop.response;
  return [
    {
      from: caller ? hop.proxy.service : 'outside',
      to: answer?.proxy.service ?? serviceOf(hop),
      version: answer?.proxy.version ?? '',
      status,
      flags: [...flags],
      attempts: hop.attempts,
      durationMs: hop.durationMs,
    },
  ];
}

/** The service that a call was meant for when it never arrived. */
const serviceOf = ({ cluster, request }: HopRecord): string =>
  (cluster.split('|')[3] || request.authority).split(/[.:]/)[0] ?? '';

/** No answer, or one that says failure. */
export const isFailed = ({ status }: { readonly status: number }): boolean => status === 0 || status >= 400;

export function sumOf(outcomes: readonly ReplayOutcome[]): RunSum {
  const statuses: Record<string, number> = {};
  const versions: Record<string, number> = {};
  for (const { status, failure, calls } of outcomes) {
    const key = status === 0 ? (failure ?? 'no answer') : String(status);
    statuses[key] = (statuses[key] ?? 0) + 1;
    for (const call of calls) {
      const callee = call.version === '' ? call.to : `${call.to} ${call.version}`;
      versions[callee] = (versions[callee] ?? 0) + Math.max(1, call.attempts);
    }
  }
  const took = outcomes.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const calls = outcomes.reduce(
    (sum, outcome) => sum + outcome.calls.reduce((own, { attempts }) => own + Math.max(1, attempts), 0),
    0,
  );
  return {
    requests: outcomes.length,
    failed: outcomes.filter(isFailed).length,
    statuses,
    versions,
    callsPerRequest: outcomes.length === 0 ? 0 : calls / outcomes.length,
    p50: percentile(took, 0.5),
    p99: percentile(took, 0.99),
  };
}

/** The nearest rank of sorted figures; 0 of none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

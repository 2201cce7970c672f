import type { HopRecord } from '#domain';
import type { HopStore } from '#telemetry';
import type { BatchSpec, OutcomeSpec } from '../lab-schema.ts';
import type { SentRequest } from '../traffic.ts';
import { judge } from './bounds.ts';
import { judgeWhole, type WholeBatch } from './whole-batch.ts';

export interface BatchVerdict {
  readonly met: boolean;
  /** What was seen, one phrase per expectation that failed (or per expectation when all hold). */
  readonly seen: string;
  /** False: hops that are recorded later may still meet it. */
  readonly final: boolean;
}

type CallSpec = NonNullable<OutcomeSpec['call']>;

/** What a batch left behind in proxies and programs. */
export interface BatchTraces extends Partial<Omit<WholeBatch, 'hops' | 'sent'>> {
  readonly hops: HopStore;
  /** By how much each counter of `stats` moved. */
  readonly moved: readonly number[];
}

/** Counts the outcomes of a batch against what was expected. */
export function judgeBatch(spec: BatchSpec, sent: readonly SentRequest[], left: BatchTraces): BatchVerdict {
  const { hops, moved, lines = [], traces = new Map(), lastedMs = 0, earlier = new Map() } = left;
  const judged = [
    ...spec.expect.map((expected) => {
      const seen = sent.reduce((sum, request) => sum + times(expected, request, hops), 0);
      const unit =
        expected.count === 'calls' ? `${seen} calls for ${sent.length} requests` : `${seen} of ${sent.length}`;
      return judge(expected, seen, {
        late: expected.call !== undefined || expected.spans !== undefined,
        text: `${unit} ${phrase(expected)}`,
      });
    }),
    ...(spec.stats ?? []).map((stat, index) => {
      const seen = moved[index] ?? 0;
      return judge(stat, seen, { late: true, text: `${stat.name} moved by ${seen}` });
    }),
    ...judgeWhole(spec, { hops, sent, lines, traces, lastedMs, earlier }),
  ];
  const failed = judged.filter(({ met }) => !met);
  const told =
    failed.length > 0
      ? [...failed.map(({ text }) => text), ...unnamed(spec, sent, hops)]
      : judged.map(({ text }) => text);
  return {
    met: failed.length === 0,
    final: failed.length === 0 || failed.some((each) => each.final),
    seen: `${told.join('; ')}.`,
  };
}

/** Answers that no expectation names, by status and flag: what came in place of the wanted ones. */
function unnamed({ expect }: BatchSpec, sent: readonly SentRequest[], hops: HopStore): string[] {
  const named = new Set(expect.flatMap(({ status }) => status ?? []));
  if (named.size === 0) return [];
  const counts = new Map<string, number>();
  for (const { traceId, status, failure } of sent) {
    if (named.has(status)) continue;
    const flags = hops.trace(traceId).find(({ response }) => response.flags.length > 0)?.response.flags ?? [];
    const flag = flags.length === 0 ? '' : ` with flag ${flags.join(',')}`;
    const text = status === 0 ? `had no answer${failure ? ` (${failure})` : ''}${flag}` : `answered ${status}${flag}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} ${text}`);
}

/** How often an expectation holds for a request: once at most, unless it counts calls. */
function times(expected: OutcomeSpec, request: SentRequest, hops: HopStore): number {
  if (expected.status !== undefined && request.status !== expected.status) return 0;
  if (expected.failure !== undefined && request.failure !== expected.failure) return 0;
  if (!within(expected.took, request.tookMs)) return 0;
  for (const [name, value] of Object.entries(expected.header ?? {})) if (request.headers[name] !== value) return 0;
  if (expected.serverName !== undefined && !request.serverNames?.includes(expected.serverName)) return 0;
  for (const [name, text] of Object.entries(expected.headerLike ?? {}))
    if (!new RegExp(text).test(request.headers[name] ?? '')) return 0;
  const { call, spans } = expected;
  if (spans !== undefined && !judge(spans, hops.trace(request.traceId).length, { late: true, text: '' }).met) return 0;
  if (call === undefined) return 1;
  const found = hops.trace(request.traceId).filter((hop, _i, trace) => isCall(call, hop, trace)).length;
  return expected.count === 'calls' ? found : Math.min(found, 1);
}

const within = (bounds: OutcomeSpec['took'], ms: number): boolean =>
  ms >= (bounds?.minMs ?? 0) && ms <= (bounds?.maxMs ?? Number.POSITIVE_INFINITY);

/** A call is seen at its caller's proxy (outbound) or, asked for `destination`, at its callee's (inbound). */
export function isCall(call: CallSpec, hop: HopRecord, trace: readonly HopRecord[]): boolean {
  const destination = call.reporter === 'destination';
  if ((hop.direction === 'inbound') !== destination) return false;
  const other = destination
    ? trace.find((each) => each.spanId === hop.parentSpanId)
    : trace.find((each) => each.parentSpanId === hop.spanId && each.direction === 'inbound');
  const from = destination ? other?.proxy.service : hop.proxy.service;
  const to = destination ? hop.proxy : other?.proxy;
  if (call.from !== undefined && from !== call.from) return false;
  if (call.to !== (to?.service ?? serviceOf(hop.cluster, hop.request.authority))) return false;
  if (call.version !== undefined && to?.version !== call.version) return false;
  if (call.status !== undefined && hop.response.status !== call.status) return false;
  if (call.mtls !== undefined && hop.mtls !== call.mtls) return false;
  if (call.attempts !== undefined && hop.attempts !== call.attempts) return false;
  if (call.afterCallTo !== undefined && !(hop.startMs > endOfCallTo({ to: call.afterCallTo }, trace))) return false;
  if (call.outlives !== undefined) {
    const other = endOfCallTo({ to: call.to, version: call.outlives.version }, trace);
    if (!(hop.startMs + hop.durationMs > other)) return false;
  }
  if (call.path !== undefined && hop.request.path !== call.path) return false;
  if (call.log !== undefined && !hop.accessLog.includes(call.log)) return false;
  if (!within(call.took, hop.durationMs)) return false;
  const { headers } = hop.request;
  for (const [name, value] of Object.entries(call.header ?? {}))
    if (!headers.some(([key, has]) => key === name && has === value)) return false;
  if (call.flag !== undefined && !hop.response.flags.includes(call.flag)) return false;
  return call.anyFlag === undefined || hop.response.flags.length > 0 === call.anyFlag;
}

/** When the first such call ended at its caller's proxy; never, when there was none. */
function endOfCallTo(wanted: CallSpec, trace: readonly HopRecord[]): number {
  const call = trace.find((hop) => isCall(wanted, hop, trace));
  return call === undefined ? Number.POSITIVE_INFINITY : call.startMs + call.durationMs;
}

/** The service that a call was meant for when it never arrived: from the cluster's name, else from the host asked for. */
const serviceOf = (cluster: string, authority: string): string =>
  (cluster.split('|')[3] || authority).split(/[.:]/)[0] ?? '';

function phrase(expected: OutcomeSpec): string {
  const parts: string[] = [];
  if (expected.status !== undefined)
    parts.push(
      expected.status === 0
        ? `had no answer${expected.failure ? ` (${expected.failure})` : ''}`
        : `answered ${expected.status}`,
    );
  for (const [name, value] of Object.entries(expected.header ?? {})) parts.push(`with ${name}: ${value}`);
  if (expected.serverName !== undefined) parts.push(`from a server that showed ${expected.serverName}`);
  for (const name of Object.keys(expected.headerLike ?? {})) parts.push(`with a ${name} of the wanted form`);
  parts.push(...lasted(expected.took));
  const { call, spans } = expected;
  if (spans)
    parts.push(`made ${spans.min === spans.max ? spans.min : `${spans.min ?? 0} to ${spans.max ?? 'any'}`} spans`);
  if (call) {
    const version = call.version ? ` ${call.version}` : '';
    const flag = call.flag
      ? ` with flag ${call.flag}`
      : call.anyFlag
        ? ' with a flag'
        : call.anyFlag === false
          ? ' without a flag'
          : '';
    // What a caller's proxy answered itself has not reached anybody.
    const verb = call.reporter !== 'destination' && (call.flag || call.anyFlag) ? 'called' : 'reached';
    parts.push(`${verb} ${call.to}${version}${call.status === undefined ? '' : ` as ${call.status}`}${flag}`);
    for (const [name, value] of Object.entries(call.header ?? {})) parts.push(`with ${name}: ${value}`);
    if (call.mtls !== undefined) parts.push(call.mtls ? 'over mutual TLS' : 'in plaintext');
    if (call.afterCallTo !== undefined) parts.push(`after the call to ${call.afterCallTo} had ended`);
    if (call.outlives !== undefined) parts.push(`and ended after the answer of ${call.outlives.version}`);
    if (call.path !== undefined) parts.push(`at ${call.path}`);
    if (call.log !== undefined) parts.push(`logged with ${call.log}`);
    if (call.attempts !== undefined) parts.push(`in ${call.attempts} tries`);
    parts.push(...lasted(call.took));
  }
  return parts.join(' ');
}

const lasted = (bounds: OutcomeSpec['took']): string[] =>
  bounds ? [`in ${bounds.minMs ?? 0} to ${bounds.maxMs ?? 'any'} ms`] : [];

import type { HopRecord } from '#domain';
import type { HopStore } from '#telemetry';
import type { BatchSpec, OutcomeSpec } from '../lab-schema.ts';
import type { SentRequest } from '../traffic.ts';

export interface BatchVerdict {
  readonly met: boolean;
  /** What was seen, one phrase per expectation that failed (or per expectation when all hold). */
  readonly seen: string;
  /** False: hops that are recorded later may still meet it. */
  readonly final: boolean;
}

type CallSpec = NonNullable<OutcomeSpec['call']>;

/** Counts the outcomes of a batch against what was expected. */
export function judgeBatch(spec: BatchSpec, sent: readonly SentRequest[], hops: HopStore): BatchVerdict {
  const judged = spec.expect.map((expected) => {
    const seen = sent.filter((request) => matches(expected, request, hops)).length;
    const met = seen >= (expected.min ?? 0) && seen <= (expected.max ?? Number.POSITIVE_INFINITY);
    const final = !met && (expected.call === undefined || seen >= (expected.min ?? 0));
    return { met, final, text: `${seen} of ${sent.length} ${phrase(expected)}` };
  });
  const failed = judged.filter(({ met }) => !met);
  return {
    met: failed.length === 0,
    final: failed.length === 0 || failed.some((each) => each.final),
    seen: `${(failed.length > 0 ? failed : judged).map(({ text }) => text).join('; ')}.`,
  };
}

function matches(expected: OutcomeSpec, request: SentRequest, hops: HopStore): boolean {
  if (expected.status !== undefined && request.status !== expected.status) return false;
  for (const [name, value] of Object.entries(expected.header ?? {})) if (request.headers[name] !== value) return false;
  const { call } = expected;
  return call === undefined || hops.trace(request.traceId).some((hop, _i, trace) => isCall(call, hop, trace));
}

/** A call is seen at its caller's proxy (outbound) or, asked for `destination`, at its callee's (inbound). */
function isCall(call: CallSpec, hop: HopRecord, trace: readonly HopRecord[]): boolean {
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
  if (call.flag !== undefined && !hop.response.flags.includes(call.flag)) return false;
  return call.anyFlag === undefined || hop.response.flags.length > 0 === call.anyFlag;
}

/** The service that a call was meant for when it never arrived: from the cluster's name, else from the host asked for. */
const serviceOf = (cluster: string, authority: string): string =>
  (cluster.split('|')[3] || authority).split(/[.:]/)[0] ?? '';

function phrase(expected: OutcomeSpec): string {
  const parts: string[] = [];
  if (expected.status !== undefined)
    parts.push(expected.status === 0 ? 'had no answer' : `answered ${expected.status}`);
  for (const [name, value] of Object.entries(expected.header ?? {})) parts.push(`with ${name}: ${value}`);
  const { call } = expected;
  if (call) {
    const version = call.version ? ` ${call.version}` : '';
    const flag = call.flag
      ? ` with flag ${call.flag}`
      : call.anyFlag
        ? ' with a flag'
        : call.anyFlag === false
          ? ' without a flag'
          : '';
    parts.push(`reached ${call.to}${version}${call.status === undefined ? '' : ` as ${call.status}`}${flag}`);
  }
  return parts.join(' ');
}

import type { HopStore } from '#telemetry';
import type { BatchSpec } from '../lab-schema.ts';
import type { SentRequest } from '../traffic.ts';
import { type Bounds, type Judged, judge } from './bounds.ts';
import type { BatchMemory, Lines } from './evidence.ts';
import { judgePeers } from './peers.ts';

/** What is judged over a whole batch instead of request by request. */
export interface WholeBatch {
  readonly hops: HopStore;
  readonly sent: readonly SentRequest[];
  readonly lines: readonly Lines[];
  readonly traces: ReadonlyMap<string, number>;
  readonly lastedMs: number;
  /** Last batches of checks that are met. */
  readonly earlier: ReadonlyMap<string, BatchMemory>;
}

export function judgeWhole(spec: BatchSpec, batch: WholeBatch): Judged[] {
  return [
    ...(spec.lines ?? []).flatMap((wanted, index) => {
      const { times, byPod } = batch.lines[index] ?? { times: [], byPod: new Map<string, number>() };
      const named = wanted.named ?? wanted.line;
      const { min, max = Number.POSITIVE_INFINITY } = wanted;
      const allowed = { min, max: max + allowance(spec, wanted, batch.lines) };
      const counted = judge(allowed, times.length, { late: true, text: `${times.length} × ${named}` });
      return [
        counted,
        ...(wanted.perPod ? [perPod(wanted.perPod, byPod, named)] : []),
        ...(wanted.spread ? [spread(wanted.spread, times, named)] : []),
      ];
    }),
    ...(spec.pods ?? []).map((wanted) => {
      const reached = batch.sent.flatMap(({ traceId }) => podOf(wanted.to, traceId, batch.hops) ?? []);
      const seen = new Set(reached).size;
      return judge(wanted, seen, { late: true, text: `${seen} pods of ${wanted.to} were reached` });
    }),
    ...(spec.certificates ?? []).flatMap((wanted) => judgePeers(wanted, batch.sent, batch.hops)),
    ...(spec.moved ? [moved(spec.moved, batch)] : []),
    ...(spec.quantiles || spec.slower || spec.quicker ? [quantiles(spec, batch)] : []),
    ...(spec.lasts ? [lasted(spec.lasts, batch)] : []),
    ...(spec.otherTraces ? [otherTraces(spec.otherTraces, batch)] : []),
  ];
}

function moved(wanted: NonNullable<BatchSpec['moved']>, { sent, hops, earlier }: WholeBatch): Judged {
  const before = earlier.get(wanted.since)?.sent ?? [];
  const seen = sent.filter(({ traceId }, index) => {
    const [now, then] = [traceId, before[index]?.traceId ?? ''].map((id) => podOf(wanted.to, id, hops));
    return now !== undefined && then !== undefined && now !== then;
  }).length;
  return judge(wanted, seen, { late: true, text: `${seen} of ${sent.length} moved to another pod of ${wanted.to}` });
}

/** A slow machine gives what is repeated more turns; each turn is told by a line of its own. */
function allowance(spec: BatchSpec, { more }: LineSpec, lines: readonly Lines[]): number {
  const index = (spec.lines ?? []).findIndex(({ named }) => more !== undefined && named === more.named);
  return more === undefined ? 0 : more.each * (lines[index]?.times.length ?? 0);
}

function perPod(wanted: readonly Bounds[], byPod: ReadonlyMap<string, number>, named: string): Judged {
  const counts = [...byPod.values()].sort((a, b) => a - b);
  const fits = counts.length === wanted.length && counts.every((count, i) => judge(wanted[i] ?? {}, count, LATE).met);
  return judge({ min: 1 }, fits ? 1 : 0, { late: true, text: `${named} by pod: ${counts.join(', ')}` });
}

const LATE = { late: true, text: '' } as const;

type LineSpec = NonNullable<BatchSpec['lines']>[number];
type Spread = NonNullable<LineSpec['spread']>;

function spread({ slotMs, maxPercent }: Spread, times: readonly number[], named: string): Judged {
  const fullest = times.reduce(
    (most, from) => Math.max(most, times.filter((at) => at >= from && at < from + slotMs).length),
    0,
  );
  const percent = times.length === 0 ? 100 : Math.round((100 * fullest) / times.length);
  return judge({ max: maxPercent }, percent, { late: true, text: `${percent} % of ${named} within ${slotMs} ms` });
}

/** The pod of a service that a trace reached first. */
const podOf = (service: string, traceId: string, hops: HopStore): string | undefined =>
  hops.trace(traceId).find(({ direction, proxy }) => direction === 'inbound' && proxy.service === service)?.proxy.pod;

/** What a busy machine adds to a request is never less than nothing, so the fastest answers compare best. */
const FAST = 0.1;

const ms = (time = 0): string => `${time.toFixed(2)} ms`;

/** The time within which that share of a batch was answered. */
function quantileMs(sent: readonly SentRequest[], share: number): number {
  const sorted = sent.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function quantiles({ slower, quicker }: BatchSpec, { sent, earlier }: WholeBatch): Judged {
  const than = (slower ?? quicker)?.than;
  const [fast, median, p99] = [FAST, 0.5, 0.99].map((share) => quantileMs(sent, share));
  const before = than === undefined ? undefined : (earlier.get(than)?.sent ?? []);
  const text = `median ${ms(median)}, p99 ${ms(p99)}, the fastest tenth within ${ms(fast)}`;
  if (before === undefined) return judge({}, 1, { late: false, text });
  const fastBefore = quantileMs(before, FAST);
  const beside = ` (before: median ${ms(quantileMs(before, 0.5))}, the fastest tenth within ${ms(fastBefore)})`;
  const fits = slower ? (fast ?? 0) > fastBefore : (fast ?? 0) <= (fastBefore * (quicker?.maxPercent ?? 100)) / 100;
  return judge({ min: 1 }, fits ? 1 : 0, { late: false, text: text + beside });
}

function lasted({ against, maxPercent }: NonNullable<BatchSpec['lasts']>, { lastedMs, earlier }: WholeBatch): Judged {
  const beforeMs = earlier.get(against)?.lastedMs ?? 0;
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  return judge({ max: (beforeMs * maxPercent) / 100 }, lastedMs, {
    late: false,
    text: `all answers took ${seconds(lastedMs)} s; ${seconds(beforeMs)} s before`,
  });
}

function otherTraces(wanted: NonNullable<BatchSpec['otherTraces']>, { sent, traces }: WholeBatch): Judged {
  const own = new Set(sent.map(({ traceId }) => traceId));
  const seen = [...traces].filter(([id, spans]) => spans === wanted.spans && !own.has(id)).length;
  return judge(wanted, seen, { late: true, text: `${seen} other traces with ${wanted.spans} spans` });
}

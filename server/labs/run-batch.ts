import { FORMER_LISTENER, type HopRecord } from '#domain';
import type { BatchSpec } from './lab-schema.ts';
import { watchLateness } from './lateness.ts';
import { freshFigures } from './probes/counters.ts';
import { type BatchMemory, type Evidence, watchEvidence } from './probes/evidence.ts';
import { type BatchVerdict, judgeBatch } from './probes/outcomes.ts';
import { type ProbeContext, trafficsOf } from './probes/state.ts';
import type { SentRequest, Traffic } from './traffic.ts';

/** The last hops and log lines of a request may be written a moment after its answer reached the client: so long nothing new has come. */
const LATE_MS = 3000;
const BETWEEN_LOOKS_MS = 50;
const MOST_WAITS = 10;
/** Each connection that was open before a change serves one more request as before it. */
const MOST_SENDS = 3;
/** Limits that checks are about are some ten milliseconds apart: timers that are later than this may be why one failed. */
const LATE_TIMERS_MS = 50;
/** How late they may be at the slower pace, in the mesh's time. */
const WANTED_LATE_MS = 15;
const SLOWEST_PACE = 0.05;
/** A slower batch should take no longer. */
const LONGEST_SEND_MS = 40_000;

export interface BatchRun {
  readonly verdict: BatchVerdict;
  readonly memory: BatchMemory;
}

interface RunOptions {
  readonly context: ProbeContext;
  readonly earlier: ReadonlyMap<string, BatchMemory>;
  /** Another number for each time that a batch is sent. */
  readonly nextRun: () => number;
  readonly setPace?: ((share: number) => void) | undefined;
  /** Told before a batch is sent again at a slower pace. */
  readonly onSlower?: (text: string) => void;
}

/**
 * Sends a batch and judges it. One that fails is sent again where it tells of something else: where listeners served it in part as they were before
 * they changed, over the connections that came after; where the machine was so busy that the mesh's timers were late, with a slower clock, so that
 * what takes time of the machine takes as little of the mesh's as elsewhere.
 */
export async function runBatch(batch: BatchSpec, traffic: Traffic, options: RunOptions): Promise<BatchRun> {
  const { hops } = options.context.sandbox;
  const isOld = ({ traceId }: SentRequest): boolean => hops.trace(traceId).some(wasServedByFormer);
  let pace = 1;
  let firstLateMs = 0;
  for (let sends = 1; ; sends++) {
    const { lateMs, ...done } = await sendOnce(batch, traffic, { ...options, pace });
    const told = pace === 1 ? done : toldOf(done, `${slower(pace)} This machine's timers were ${firstLateMs} ms late.`);
    if (done.verdict.met || sends === MOST_SENDS) return told;
    if (lateMs >= LATE_TIMERS_MS && options.setPace !== undefined) {
      firstLateMs ||= Math.round(lateMs);
      pace = slowerPace(pace, lateMs, done.memory.lastedMs);
      options.onSlower?.(`This machine's timers are ${Math.round(lateMs)} ms late. ${slower(pace)}`);
    } else if (!done.memory.sent.some(isOld)) return told;
  }
}

const slowerPace = (pace: number, lateMs: number, lastedMs: number): number =>
  Math.max((pace * WANTED_LATE_MS) / lateMs, SLOWEST_PACE, Math.min(pace, lastedMs / LONGEST_SEND_MS));

const slower = (pace: number): string => `Sent again with the lab's clock at ${Math.round(pace * 100)} %.`;

const toldOf = ({ verdict, memory }: BatchRun, text: string): BatchRun => ({
  verdict: { ...verdict, seen: `${verdict.seen} ${text}` },
  memory,
});

const wasServedByFormer = ({ steps }: HopRecord): boolean =>
  steps.some(({ evidence }) => evidence?.[FORMER_LISTENER] === true);

/** A failing verdict is accepted only after late hops have had their time to arrive. */
async function sendOnce(
  batch: BatchSpec,
  traffic: Traffic,
  options: RunOptions & { readonly pace: number },
): Promise<BatchRun & { readonly lateMs: number }> {
  const { sandbox } = options.context;
  let evidence: Evidence | undefined;
  const begins = async (): Promise<void> => {
    if (evidence !== undefined) return;
    await freshFigures(sandbox);
    evidence = watchEvidence(batch, sandbox);
  };
  await rest(batch, options);
  const sent: SentRequest[] = [];
  const run = options.nextRun();
  const lateness = watchLateness(sandbox.clock);
  let lateMs = 0;
  if (options.pace < 1) options.setPace?.(options.pace);
  try {
    for (const id of trafficsOf(batch))
      sent.push(...(await traffic.batch(id, batch.requests, { ...batch, run, begins })));
  } finally {
    if (options.pace < 1) options.setPace?.(1);
    lateMs = lateness.end();
  }
  evidence?.sent();
  const judge = (): BatchVerdict =>
    judgeBatch(batch, sent, {
      hops: sandbox.hops,
      moved: evidence?.moved() ?? [],
      lines: evidence?.lines() ?? [],
      traces: batch.otherTraces === undefined ? new Map() : (evidence?.traces() ?? new Map()),
      lastedMs: evidence?.lastedMs() ?? 0,
      earlier: options.earlier,
    });
  await freshFigures(sandbox);
  let verdict = judge();
  const isOver = (): boolean => verdict.met || verdict.final;
  const arrived = (): boolean => {
    verdict = judge();
    return isOver();
  };
  for (let waits = 0, known = ''; !isOver() && verdict.seen !== known && waits < MOST_WAITS; waits++) {
    known = verdict.seen;
    await lookAgain(sandbox, arrived, LATE_MS);
    if (isOver()) break;
    await freshFigures(sandbox);
    verdict = judge();
  }
  evidence?.end();
  return { lateMs, verdict, memory: { sent, lastedMs: evidence?.lastedMs() ?? 0, endedMs: sandbox.clock.monotonic() } };
}

/** Looks a moment after something happened, until `look` is content or the limit is reached: hops come one by one, and each look reads all traces. */
async function lookAgain(
  { clock, until }: ProbeContext['sandbox'],
  look: () => boolean,
  limitMs: number,
): Promise<void> {
  const endMs = clock.monotonic() + limitMs;
  for (let leftMs = limitMs; leftMs > 0; leftMs = endMs - clock.monotonic()) {
    let events = 0;
    const happened = await until(() => events++ > 0, leftMs, 'the hops of a batch').then(
      () => true,
      () => false,
    );
    if (!happened) return;
    await new Promise<void>((resolve) => clock.after(BETWEEN_LOOKS_MS, resolve));
    if (look()) return;
  }
}

async function rest({ rested }: BatchSpec, { context, earlier }: RunOptions): Promise<void> {
  const { clock } = context.sandbox;
  const since = rested === undefined ? undefined : earlier.get(rested.since);
  const leftMs = since === undefined || rested === undefined ? 0 : since.endedMs + rested.ms - clock.monotonic();
  if (leftMs > 0) await new Promise<void>((resolve) => clock.after(leftMs, resolve));
}

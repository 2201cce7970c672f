import { FORMER_LISTENER, type HopRecord } from '#domain';
import type { BatchSpec } from './lab-schema.ts';
import { freshFigures } from './probes/counters.ts';
import { type BatchMemory, type Evidence, watchEvidence } from './probes/evidence.ts';
import { type BatchVerdict, judgeBatch } from './probes/outcomes.ts';
import { type ProbeContext, trafficsOf } from './probes/state.ts';
import type { SentRequest, Traffic } from './traffic.ts';

/** The last hops and log lines of a request may be written a moment after its answer reached the client: so long nothing new has come. */
const LATE_MS = 3000;
const MOST_WAITS = 10;
/** Each connection that was open before a change serves one more request as before it. */
const MOST_SENDS = 3;

export interface BatchRun {
  readonly verdict: BatchVerdict;
  readonly memory: BatchMemory;
}

interface RunOptions {
  readonly context: ProbeContext;
  readonly earlier: ReadonlyMap<string, BatchMemory>;
  /** Another number for each time that a batch is sent. */
  readonly nextRun: () => number;
}

/**
 * Sends a batch and judges it. One that fails, and that listeners served in part as they were before they changed, tells of the mesh before the
 * change: it is sent again, over the connections that came after.
 */
export async function runBatch(batch: BatchSpec, traffic: Traffic, options: RunOptions): Promise<BatchRun> {
  const { hops } = options.context.sandbox;
  const isOld = ({ traceId }: SentRequest): boolean => hops.trace(traceId).some(wasServedByFormer);
  for (let sends = 1; ; sends++) {
    const done = await sendOnce(batch, traffic, options);
    if (done.verdict.met || sends === MOST_SENDS || !done.memory.sent.some(isOld)) return done;
  }
}

const wasServedByFormer = ({ steps }: HopRecord): boolean =>
  steps.some(({ evidence }) => evidence?.[FORMER_LISTENER] === true);

/** A failing verdict is accepted only after late hops have had their time to arrive. */
async function sendOnce(batch: BatchSpec, traffic: Traffic, options: RunOptions): Promise<BatchRun> {
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
  for (const id of trafficsOf(batch))
    sent.push(...(await traffic.batch(id, batch.requests, { ...batch, run, begins })));
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
    // Reaching the limit is no failure: the verdict stands as it is then.
    await sandbox.until(arrived, LATE_MS, 'the hops of a batch').catch(() => undefined);
    if (isOver()) break;
    await freshFigures(sandbox);
    verdict = judge();
  }
  evidence?.end();
  return { verdict, memory: { sent, lastedMs: evidence?.lastedMs() ?? 0, endedMs: sandbox.clock.monotonic() } };
}

async function rest({ rested }: BatchSpec, { context, earlier }: RunOptions): Promise<void> {
  const { clock } = context.sandbox;
  const since = rested === undefined ? undefined : earlier.get(rested.since);
  const leftMs = since === undefined || rested === undefined ? 0 : since.endedMs + rested.ms - clock.monotonic();
  if (leftMs > 0) await new Promise<void>((resolve) => clock.after(leftMs, resolve));
}

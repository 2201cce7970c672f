import type { BatchSpec } from './lab-schema.ts';
import { freshFigures } from './probes/counters.ts';
import { type BatchMemory, type Evidence, watchEvidence } from './probes/evidence.ts';
import { type BatchVerdict, judgeBatch } from './probes/outcomes.ts';
import { type ProbeContext, trafficsOf } from './probes/state.ts';
import type { SentRequest, Traffic } from './traffic.ts';

/** The last hops and log lines of a request may be written a moment after its answer reached the client: so long nothing new has come. */
const LATE_MS = 3000;
const MOST_WAITS = 10;

export interface BatchRun {
  readonly verdict: BatchVerdict;
  readonly memory: BatchMemory;
}

interface RunOptions {
  readonly context: ProbeContext;
  readonly earlier: ReadonlyMap<string, BatchMemory>;
  /** Another number for each run. */
  readonly run: number;
}

/** Sends a batch and judges it; a failing verdict is accepted only after late hops have had their time to arrive. */
export async function runBatch(batch: BatchSpec, traffic: Traffic, options: RunOptions): Promise<BatchRun> {
  const { sandbox } = options.context;
  let evidence: Evidence | undefined;
  const begins = async (): Promise<void> => {
    if (evidence !== undefined) return;
    await freshFigures(sandbox);
    evidence = watchEvidence(batch, sandbox);
  };
  await rest(batch, options);
  const sent: SentRequest[] = [];
  for (const id of trafficsOf(batch))
    sent.push(...(await traffic.batch(id, batch.requests, { ...batch, run: options.run, begins })));
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

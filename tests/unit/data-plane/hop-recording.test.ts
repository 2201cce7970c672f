import { describe, expect, it } from 'vitest';
import { ConnectionSteps } from '../../../server/data-plane/decisions/connection-steps.ts';
import { BUSY_TRACES_OF, HopSteps, StepSampler, TRACES_OF } from '../../../server/data-plane/decisions/hop-steps.ts';
import { newTraceId } from '../../../server/data-plane/http/trace-context.ts';
import { seededRandom } from '../../../server/domain/random.ts';
import { createFakeClock } from './fake-clock.ts';

describe('the recording of hops', () => {
  it('words what was decided of a connection once, in one list for all connections of which the same was decided', () => {
    let worded = 0;
    const stepsOf = (address: string) => {
      const steps = new ConnectionSteps();
      const note = () => ({ detail: `fits ${address}`, evidence: { worded: ++worded > 0 } });
      steps.add({ stage: 'filter_chain', outcome: 'chosen', name: '0.0.0.0_80', note });
      return steps;
    };
    const [first, equal, other] = [stepsOf('10.0.0.1'), stepsOf('10.0.0.1'), stepsOf('10.0.0.2')];
    const clock = createFakeClock();
    const before = [first, first, equal, other].map(
      (steps) => new HopSteps({ clock, startedAt: 0, before: steps }).end().before,
    );
    const step = { stage: 'filter_chain', outcome: 'chosen', name: '0.0.0.0_80', atMs: 0, evidence: { worded: true } };
    expect(before[0]).toEqual([{ ...step, detail: 'fits 10.0.0.1' }]);
    expect(before[1]).toBe(before[0]);
    expect(before[2]).toBe(before[0]);
    expect(before[3]).toEqual([{ ...step, detail: 'fits 10.0.0.2' }]);
    expect(worded).toBe(3);
  });

  it('tells what a hurried proxy does in one turn of the loop as done at one time', async () => {
    let now = 10;
    const clock = { ...createFakeClock(), monotonic: () => now };
    const timesOf = async (hurried: boolean): Promise<number[]> => {
      now = 10;
      const steps = new HopSteps({ clock, startedAt: 10, before: new ConnectionSteps(), hurried });
      for (const later of [0.25, 0.5]) {
        now += later;
        steps.add('route', 'passed', 'one');
      }
      await new Promise((resolve) => setImmediate(resolve));
      now += 3;
      steps.add('route', 'passed', 'another');
      await new Promise((resolve) => setImmediate(resolve));
      return steps.build().map(({ atMs }) => atMs);
    };
    expect(await timesOf(false)).toEqual([0.25, 0.75, 3.75]);
    expect(await timesOf(true)).toEqual([0.25, 0.25, 3.75]);
  });

  /** How many of so many hops a second are kept in each of the seconds that begin then. */
  const keptIn = (sampler: StepSampler, hops: number, seconds: readonly number[]): number[] =>
    seconds.map((second) => {
      const kept = Array.from({ length: hops }, (_, i) => sampler.next((second + i / hops) * 1000));
      return kept.filter(Boolean).length;
    });

  it('keeps every step of three thousand hops in a row, then of five hundred a second', () => {
    const sampler = new StepSampler(createFakeClock());
    expect(keptIn(sampler, 1900, [10, 11])).toEqual([1900, 1900]);
    expect(keptIn(sampler, 1900, [12, 13, 14])).toEqual([699, 500, 500]);
    expect(keptIn(sampler, 1500, [20, 21, 22])).toEqual([1500, 1500, 1000]);
  });

  it('keeps a hundred a second of a proxy with more than two thousand hops a second, and for ten seconds after', () => {
    const sampler = new StepSampler(createFakeClock());
    expect(keptIn(sampler, 5000, [10])).toEqual([3259]);
    expect(keptIn(sampler, 5000, [11, 12])).toEqual([100, 100]);
    expect(keptIn(sampler, 1000, [16, 30])).toEqual([400, 1000]);
  });

  it('records one trace in sixteen beyond that, the same in every proxy', () => {
    const random = seededRandom('traces');
    const traces = Array.from({ length: 16_000 }, () => newTraceId(random));
    const kept = traces.filter((trace) => StepSampler.keepsTrace(trace, TRACES_OF));
    expect(kept.length * TRACES_OF).toBeGreaterThan(14_000);
    expect(kept.length * TRACES_OF).toBeLessThan(18_000);
  });

  it('records one trace in 256 of a proxy with more than two thousand hops a second, all of them among those of a quieter one', () => {
    const sampler = new StepSampler(createFakeClock());
    for (let i = 0; i < 2000; i++) sampler.next(5000);
    expect(sampler.tracesOf).toBe(TRACES_OF);
    sampler.next(5000);
    expect(sampler.tracesOf).toBe(BUSY_TRACES_OF);
    sampler.next(6000);
    expect(sampler.tracesOf).toBe(BUSY_TRACES_OF);
    sampler.next(7000);
    expect(sampler.tracesOf).toBe(TRACES_OF);
    const random = seededRandom('traces');
    const traces = Array.from({ length: 64_000 }, () => newTraceId(random));
    const kept = traces.filter((trace) => StepSampler.keepsTrace(trace, BUSY_TRACES_OF));
    expect(kept.length * BUSY_TRACES_OF).toBeGreaterThan(50_000);
    expect(kept.length * BUSY_TRACES_OF).toBeLessThan(78_000);
    expect(kept.every((trace) => StepSampler.keepsTrace(trace, TRACES_OF))).toBe(true);
  });
});

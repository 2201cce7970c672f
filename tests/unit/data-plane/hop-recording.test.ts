import { describe, expect, it } from 'vitest';
import {
  BUSY_TRACES_OF,
  HopSteps,
  type StepDraft,
  StepSampler,
  TRACES_OF,
} from '../../../server/data-plane/decisions/hop-steps.ts';
import { newTraceId } from '../../../server/data-plane/http/trace-context.ts';
import { seededRandom } from '../../../server/domain/random.ts';
import { createFakeClock } from './fake-clock.ts';

describe('the recording of hops', () => {
  it('words what was decided of a connection once, and keeps no function that knows the connection', () => {
    let worded = 0;
    const note = () => ({ detail: `fits, asked ${++worded} time` });
    const draft: StepDraft = {
      stage: 'filter_chain',
      outcome: 'chosen',
      name: '0.0.0.0_80',
      atMs: 0,
      attempt: 0,
      note,
    };
    const clock = createFakeClock();
    const hops = [1, 2].map(() => new HopSteps({ clock, startedAt: 0, before: [draft] }).build());
    expect(hops[0]).toEqual([
      { stage: 'filter_chain', outcome: 'chosen', name: '0.0.0.0_80', atMs: 0, detail: 'fits, asked 1 time' },
    ]);
    expect(hops[1]![0]).toBe(hops[0]![0]);
    expect(draft.note).toBeUndefined();
  });

  it('keeps every step of three thousand hops in a row, then of five hundred a second', () => {
    const sampler = new StepSampler(createFakeClock());
    const kept = Array.from({ length: 3500 }, () => sampler.next(10_500));
    expect(kept.filter(Boolean).length).toBe(3000);
    expect(kept.slice(0, 3000).every(Boolean)).toBe(true);
    const secondLater = Array.from({ length: 1000 }, (_, i) => sampler.next(10_500 + i + 1));
    expect(secondLater.filter(Boolean).length).toBe(500);
  });

  it('keeps three thousand in a row again after six seconds of rest', () => {
    const sampler = new StepSampler(createFakeClock());
    for (let i = 0; i < 3500; i++) sampler.next(0);
    const kept = Array.from({ length: 3500 }, () => sampler.next(6_000));
    expect(kept.filter(Boolean).length).toBe(3000);
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

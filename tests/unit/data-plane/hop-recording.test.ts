import { describe, expect, it } from 'vitest';
import { StepSampler, TRACES_OF } from '../../../server/data-plane/decisions/hop-steps.ts';
import { newTraceId } from '../../../server/data-plane/http/trace-context.ts';
import { seededRandom } from '../../../server/domain/random.ts';
import { createFakeClock } from './fake-clock.ts';

describe('the recording of hops', () => {
  it('keeps every step of the first thousand hops of a second', () => {
    const sampler = new StepSampler(createFakeClock());
    const kept = Array.from({ length: 1500 }, () => sampler.next(10_500));
    expect(kept.filter(Boolean).length).toBe(1000);
    expect(kept.slice(0, 1000).every(Boolean)).toBe(true);
    expect(sampler.next(11_000)).toBe(true);
  });

  it('records one trace in sixteen beyond that, the same in every proxy', () => {
    const random = seededRandom('traces');
    const traces = Array.from({ length: 16_000 }, () => newTraceId(random));
    const kept = traces.filter((trace) => StepSampler.keepsTrace(trace));
    expect(kept.length * TRACES_OF).toBeGreaterThan(14_000);
    expect(kept.length * TRACES_OF).toBeLessThan(18_000);
  });
});

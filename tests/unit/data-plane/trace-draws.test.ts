import { describe, expect, it } from 'vitest';
import { fractionOf, seededRandom } from '#domain';
import { createTraceDraws } from '../../../server/data-plane/trace-draws.ts';

const traces = Array.from({ length: 10_000 }, (_, i) =>
  seededRandom(`trace/${i}`).below(0x1_0000_0000).toString(16).padStart(32, '0'),
);

describe('draws of a trace', () => {
  it('fall evenly: one in ten within three sigma', () => {
    const draws = createTraceDraws(seededRandom('even'));
    const hits = traces.filter((trace) => draws.below('weight', trace, 100) >= 90).length;
    expect(Math.abs(hits - 1000)).toBeLessThan(3 * Math.sqrt(10_000 * 0.1 * 0.9));
  });

  it('are the same for one seed whatever else is drawn between', () => {
    const alone = createTraceDraws(seededRandom('seed'));
    const busy = createTraceDraws(seededRandom('seed'));
    const expected = traces.slice(0, 100).map((trace) => alone.below('weight', trace, 1000));
    const seen = traces.slice(0, 100).map((trace, i) => {
      busy.below('weight', `noise-${i}`, 7);
      busy.below('fault', trace, 100);
      return busy.below('weight', trace, 1000);
    });
    expect(seen).toEqual(expected);
  });

  it('differ between seeds, kinds and turns of one trace', () => {
    const one = createTraceDraws(seededRandom('one'));
    const two = createTraceDraws(seededRandom('two'));
    const numbers = [
      one.below('weight', 'trace', 1e9),
      one.below('weight', 'trace', 1e9),
      one.below('fault', 'trace', 1e9),
      two.below('weight', 'trace', 1e9),
    ];
    expect(new Set(numbers).size).toBe(4);
  });

  it('turns labels that differ in one character into unrelated fractions', () => {
    const near = Array.from({ length: 1000 }, (_, i) => fractionOf(`label-${i}`));
    const mean = near.reduce((sum, value) => sum + value, 0) / near.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
  });
});

import { describe, expect, it } from 'vitest';
import type { DrillEntry } from '#contract';
import { type Drill, type Format, formats } from '../../../src/course/drills.ts';
import {
  bandOf,
  chooseDrills,
  everything,
  mockInterview,
  mockPlan,
  reportOf,
  scoreOf,
} from '../../../src/islands/drills/choose.ts';

const topics = ['routing', 'retries', 'identity', 'objects', 'faults', 'planes', 'limits', 'scale'];
const drills: Drill[] = topics.flatMap((topic) =>
  formats.flatMap((format) =>
    ([1, 2, 3] as const).map(
      (level) => ({ id: `${topic}-${format}-${level}`, topic, format, level, day: 1 }) as unknown as Drill,
    ),
  ),
);
const answer = (question: string, mark: number, atMs: number, seconds = 10): DrillEntry => ({
  kind: 'drill',
  id: `${question}@${atMs}`,
  question,
  marks: { clarify: mark, model: mark, terms: mark, tradeoff: mark, prove: mark },
  seconds,
  aloud: true,
  atMs,
});
const tie = (id: string) => drills.findIndex((drill) => drill.id === id);
const choose = (answers: readonly DrillEntry[], count: number, filter = everything) =>
  chooseDrills({ drills, answers, filter, count, tie }).map(({ id }) => id);

describe('the choice of questions', () => {
  it('asks what was never asked, easy before hard, a new topic each time', () => {
    const first = choose([], 8);
    expect(first.every((id) => id.endsWith('-1'))).toBe(true);
    expect(new Set(first.map((id) => id.split('-')[0])).size).toBe(8);
  });

  it('brings back what went worst, the oldest of equals first', () => {
    const filter = { topic: 'routing', format: 'debug' as Format, level: 0 as const };
    const answers = [answer('routing-debug-1', 3, 1), answer('routing-debug-2', 1, 2), answer('routing-debug-3', 1, 1)];
    expect(choose(answers, 3, filter)).toEqual(['routing-debug-3', 'routing-debug-2', 'routing-debug-1']);
  });

  it('counts only the latest answer to a question', () => {
    const filter = { topic: 'routing', format: 'debug' as Format, level: 0 as const };
    const answers = ['1', '2', '3'].map((level) => answer(`routing-debug-${level}`, 2, 1));
    expect(choose([...answers, answer('routing-debug-2', 0, 5)], 1, filter)).toEqual(['routing-debug-2']);
    expect(choose([...answers, answer('routing-debug-2', 3, 5)], 3, filter).at(-1)).toBe('routing-debug-2');
  });

  it('keeps to the filter', () => {
    const ids = choose([], 99, { topic: '', format: 'define', level: 2 });
    expect(ids).toHaveLength(topics.length);
    expect(ids.every((id) => id.endsWith('-define-2'))).toBe(true);
  });
});

describe('the mock interview', () => {
  it('is 30 minutes of the planned formats and levels, and no topic twice where the bank allows', () => {
    const chosen = mockInterview(drills, [], tie);
    expect(mockPlan.reduce((sum, { minutes }) => sum + minutes, 0)).toBe(30);
    expect(chosen.map(({ format, level }) => ({ format, level }))).toEqual(
      mockPlan.map(({ format, level }) => ({ format, level })),
    );
    expect(new Set(chosen.map(({ topic }) => topic)).size).toBe(mockPlan.length);
  });

  it('takes the level next to it where the bank has none', () => {
    const without = drills.filter(({ format, level }) => !(format === 'design' && level === 2));
    expect(mockInterview(without, [], tie).filter(({ format }) => format === 'design')).toHaveLength(1);
  });
});

describe('the report', () => {
  const seconds = () => 20;

  it('says the share of marks, by criterion and by format, and what came late', () => {
    const report = reportOf([answer('routing-define-1', 3, 1, 40), answer('routing-debug-1', 1, 2)], drills, seconds);
    expect(report).toMatchObject({ share: 2 / 3, band: 'yes', late: 1 });
    expect(report?.byFormat).toEqual([
      { format: 'define', share: 1, answers: 1 },
      { format: 'debug', share: expect.closeTo(1 / 3), answers: 1 },
    ]);
    expect(report?.byCriterion.map(({ id, share }) => [id, share])).toEqual(
      ['clarify', 'model', 'terms', 'tradeoff', 'prove'].map((id) => [id, expect.closeTo(2 / 3)]),
    );
  });

  it('says no to a candidate who never met a criterion, however good the rest is', () => {
    const good = answer('routing-define-1', 3, 1);
    const report = reportOf([{ ...good, marks: { ...good.marks, prove: 0 } }], drills, seconds);
    expect(report).toMatchObject({ share: 0.8, band: 'no', missing: ['prove'] });
  });

  it('finds no answer late that had no clock', () => {
    expect(reportOf([answer('routing-define-1', 3, 1, 999)], drills, () => Infinity)).toMatchObject({ late: 0 });
  });

  it('says nothing without answers', () => {
    expect(reportOf([], drills, seconds)).toBeUndefined();
    expect(scoreOf({ ...answer('x', 1, 1), marks: {} })).toBe(0);
  });

  it('has four bands', () => {
    expect([1, 0.85, 0.84, 0.65, 0.64, 0.4, 0.39, 0].map(bandOf)).toEqual([
      'strong yes',
      'strong yes',
      'yes',
      'yes',
      'no',
      'no',
      'strong no',
      'strong no',
    ]);
  });
});

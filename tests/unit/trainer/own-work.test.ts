import { expect, it } from 'vitest';
import type { LogEntry } from '#contract';
import { ownQuestions } from '../../../src/islands/drills/own-work.ts';

const check = (id: string, hints: number): LogEntry => ({ kind: 'check', id, check: id, hints, atMs: 1 });
const forecast = (id: string, said: number, was: number, unit = '%'): LogEntry => ({
  kind: 'forecast',
  id: `${id}@1`,
  forecast: id,
  said,
  was,
  unit,
  atMs: 1,
});
const ownWork = { lab: 'canary', ask: 'What did the split say?' };
const lab = { title: 'Ten percent', checks: { split: 'Ten of a hundred reach v2' } };

it('asks nothing about a lab that was not done', () => {
  expect(ownQuestions([], ownWork, lab)).toEqual([]);
  expect(
    ownQuestions([check('canary-two/split', 2), forecast('canary/split:reviews v2', 50, 10)], ownWork, lab),
  ).toEqual([]);
});

it('asks what is written when the lab went without a hint and as forecast', () => {
  const log = [check('canary/split', 0), forecast('canary/split:reviews v2', 10, 11)];
  expect(ownQuestions(log, ownWork, lab)).toEqual(['What did the split say?']);
});

it('asks for the check with the most hints by its title, and for the widest miss with both numbers', () => {
  const log = [
    check('canary/labels', 1),
    check('canary/split', 3),
    forecast('canary/status:503', 5, 4.5),
    forecast('canary/split:reviews v2', 50, 9.52),
    forecast('elsewhere/latency:p99', 1, 900, 'ms'),
  ];
  expect(ownQuestions(log, ownWork, lab)).toEqual([
    'What did the split say?',
    'You opened 3 hints before “Ten of a hundred reach v2”. What did you not know then, and how would you explain it now?',
    'You forecast 50 % for reviews v2, and it was 9.5 %. What had you left out?',
  ]);
});

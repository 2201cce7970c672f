import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DrillEntry, LogEntry } from '#contract';
import { domainShares, evidenceOf } from '../../../src/course/readiness.ts';
import { measure, nextHalfHour, planDays } from '../../../src/islands/readiness/measure.ts';
import { labIds, loadCourse, loadLab } from '../content/load.ts';
import { day, deck, entryId, history, memoriesOf, start } from './support.ts';

const map = evidenceOf({
  course: loadCourse(),
  cards: deck,
  drills: [{ id: 'canary-what', objectives: ['D10.1'] }],
  checks: labIds().flatMap((id) => loadLab(id)?.checks ?? []),
});
const met = (check: string, hints = 0): LogEntry => ({ kind: 'check', id: entryId(), check, hints, atMs: start });
const drill = (question: string, mark: number, atMs = start): DrillEntry => ({
  kind: 'drill',
  id: entryId(),
  question,
  marks: { model: mark, terms: mark },
  seconds: 10,
  aloud: true,
  atMs,
});
const measured = (log: readonly LogEntry[]) => measure(map, { log, memories: memoriesOf(log), recallOf: () => 1 });
const objective = (log: readonly LogEntry[], id: string) =>
  measured(log)
    .days.flatMap(({ objectives }) => objectives)
    .find((each) => each.id === id)!;

describe('the map of evidence', () => {
  it('has every objective of 28 days, each with cards', () => {
    expect(map).toHaveLength(28);
    const objectives = map.flatMap((each) => each.objectives);
    expect(objectives.length).toBeGreaterThan(100);
    expect(new Set(objectives.map(({ id }) => id)).size).toBe(objectives.length);
  });

  it('names the checks of a lab where they serve', () => {
    expect(objective([], 'D10.3').checks).toContain('canary/subsets');
  });
});

describe('readiness', () => {
  it('is nothing without evidence', () => {
    expect(measured([])).toMatchObject({
      total: 0,
      domains: { install: 0, traffic: 0, security: 0, troubleshooting: 0 },
    });
  });

  it('counts a check once, and half when three hints were open', () => {
    const of = (log: readonly LogEntry[]) =>
      objective(log, 'D10.1').shares.labs! * objective([], 'D10.1').checks.length;
    expect(of([met('canary/share'), met('canary/share')])).toBeCloseTo(1);
    expect(of([met('canary/share', 3)])).toBeCloseTo(0.5);
  });

  it('counts the latest answer to a question, not the best', () => {
    expect(objective([drill('canary-what', 3)], 'D10.1').shares.drills).toBe(1);
    expect(objective([drill('canary-what', 3), drill('canary-what', 0, start + 1)], 'D10.1').shares.drills).toBe(0);
  });

  it('counts cards that were never seen as not known', () => {
    const known = objective([], 'D10.1').cards[0]!;
    const { shares, cards } = objective(history(known, start - day, [3, 3]), 'D10.1');
    expect(shares.recall).toBeCloseTo(1 / cards.length);
  });

  it('stays between 0 and 1, and never falls by more evidence', () => {
    const checks = map.flatMap(({ objectives }) => objectives.flatMap((each) => each.checks));
    fc.assert(
      fc.property(fc.subarray(checks), fc.subarray(checks), (some, more) => {
        const log = some.map((check) => met(check));
        const before = measured(log).total;
        const after = measured([...log, ...more.map((check) => met(check))]).total;
        expect(before).toBeGreaterThanOrEqual(0);
        expect(after).toBeLessThanOrEqual(1);
        expect(after).toBeGreaterThanOrEqual(before - 1e-9);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the next 30 minutes', () => {
  it('are 30 minutes, and begin with day 1 when nothing was done', () => {
    const steps = nextHalfHour(measured([]), 8);
    expect(steps.reduce((sum, { minutes }) => sum + minutes, 0)).toBeLessThanOrEqual(30);
    expect(steps.map(({ href }) => href)).toEqual(['/cards/', '/days/1/', '/drills/']);
  });

  it('send to the lab of the weakest objective that was begun', () => {
    const steps = nextHalfHour(
      measured(
        map
          .slice(0, 9)
          .flatMap(({ objectives }) =>
            objectives.flatMap((each) => each.cards.flatMap((card) => history(card, start - day, [3, 3]))),
          ),
      ),
      0,
    );
    expect(steps[0]?.href).toMatch(/^\/(lab|days)\//);
  });
});

describe('a plan until the interview', () => {
  it('puts every day that is not ready on a date, in order, and leaves the last two dates free', () => {
    const { dates, left } = planDays(measured([]), start, start + 30 * day);
    expect(dates.flatMap(({ days }) => days)).toEqual(Array.from({ length: 28 }, (_, index) => index + 1));
    expect(dates.at(-1)!.date).toBeLessThan(start + 28.5 * day);
    expect(left).toEqual([]);
  });

  it('puts two days on one date when time is short, and names those that do not fit', () => {
    const short = planDays(measured([]), start, start + 5 * day);
    expect(short.dates.every(({ days }) => days.length <= 2)).toBe(true);
    const planned = short.dates.flatMap(({ days }) => days);
    expect(planned).toEqual(planned.toSorted((a, b) => a - b));
    expect([...planned, ...short.left].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 28 }, (_, index) => index + 1),
    );
  });

  it('takes for an interview tomorrow the two days that move the total most', () => {
    const readiness = measured([]);
    const { dates, left } = planDays(readiness, start, start + day);
    expect(dates).toHaveLength(1);
    expect(left).toHaveLength(26);
    const size = (domain: string) => readiness.days.filter((each) => each.domain === domain).length;
    const worth = (number: number) => {
      const { domain } = readiness.days.find((each) => each.day === number)!;
      return domainShares[domain] / size(domain);
    };
    const least = Math.min(...dates[0]!.days.map(worth));
    for (const number of left) expect(worth(number)).toBeLessThanOrEqual(least);
  });

  it('plans nothing where the date is past', () => {
    expect(planDays(measured([]), start, start - day)).toEqual({ dates: [], left: [] });
  });
});

import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../src/islands/cards/library.ts';
import { buildQueue, studyDayStart } from '../../../src/islands/cards/queue.ts';
import {
  foldLog,
  grade,
  intervals,
  intervalWords,
  type LogEntry,
  recall,
} from '../../../src/islands/cards/schedule.ts';
import { day, deck, minute, review, scheduler, start } from './support.ts';

const { newPerDay } = defaultSettings;

describe('the schedule', () => {
  it('offers a new card 1, 6 and 10 minutes and 8 days', () => {
    const waits = intervals(undefined, start, scheduler);
    expect([waits[1] / minute, waits[2] / minute, waits[3] / minute, waits[4] / day]).toEqual([1, 6, 10, 8]);
  });

  it('spaces a card that is always known by 2, 11, 46, 163, 498, 1348 and 3299 days', () => {
    let memory = grade(undefined, start, 3, scheduler);
    const gaps: number[] = [];
    for (let index = 0; index < 7; index++) {
      memory = grade(memory, memory.due.getTime(), 3, scheduler);
      gaps.push(memory.scheduled_days);
    }
    expect(gaps).toEqual([2, 11, 46, 163, 498, 1348, 3299]);
  });

  it('expects nine of ten to be remembered on the day they are due', () => {
    const memory = grade(grade(undefined, start, 3, scheduler), start + 10 * minute, 3, scheduler);
    expect(recall(memory, memory.due.getTime(), scheduler)).toBeCloseTo(0.9, 1);
  });

  it('counts a review that was taken back as never made', () => {
    const id = 'pod:meaning';
    const first = review(id, start, 1);
    const log: LogEntry[] = [first, { kind: 'undo', id: 'u1', of: first.id, atMs: start + 1000 }];
    expect(foldLog(log, scheduler).size).toBe(0);
  });

  it('gives the same memory whatever the order in which two logs are joined', () => {
    const log = [review('a:say', start, 3), review('a:say', start + 10 * minute, 3, 1), review('b:say', start, 1)];
    expect(foldLog(log.toReversed(), scheduler)).toEqual(foldLog(log, scheduler));
  });

  it('says intervals in words', () => {
    expect([minute, 90 * minute, day, 12 * day, 90 * day, 800 * day].map(intervalWords)).toEqual([
      '1 min',
      '2 hours',
      '1 day',
      '12 days',
      '3 months',
      '2.2 years',
    ]);
  });
});

describe('the queue', () => {
  const queueOf = (log: readonly LogEntry[], nowMs = start) => buildQueue({ deck, log, nowMs, scheduler });

  it('starts with eight new cards of eight words', () => {
    const { cards, fresh } = queueOf([]);
    expect(fresh).toBe(newPerDay);
    expect(new Set(cards.map(({ slug }) => slug)).size).toBe(newPerDay);
  });

  it('brings no ninth new card on the same day, and new ones on the next', () => {
    const log = queueOf([]).cards.map(({ id }) => review(id, start, 4));
    expect(queueOf(log, start + minute)).toMatchObject({ fresh: 0, due: 0 });
    expect(queueOf(log, start + day).fresh).toBe(newPerDay);
  });

  it('brings a forgotten card back after a minute, before anything else', () => {
    const first = queueOf([]).cards[0]!;
    const log = [review(first.id, start, 1)];
    expect(queueOf(log, start + 61_000).cards[0]?.id).toBe(first.id);
  });

  it('does not show a second card of a word on the same day', () => {
    const first = queueOf([]).cards[0]!;
    const rest = queueOf([review(first.id, start, 4)], start + minute).cards;
    expect(rest.some(({ slug }) => slug === first.slug)).toBe(false);
  });

  it('says when the next card comes, when nothing is left', () => {
    const log = queueOf([]).cards.map(({ id }) => review(id, start, 4));
    expect(queueOf(log, start + minute).nextMs).toBe(studyDayStart(start) + day);
  });

  it('counts the hours after midnight to the day before', () => {
    const late = new Date(2026, 2, 3, 2, 30).getTime();
    expect(studyDayStart(late)).toBe(new Date(2026, 2, 2, 4).getTime());
  });
});

import type { LogEntry, Rating } from '#contract';
import { deckOf } from '../../../src/course/cards.ts';
import { createScheduler, foldLog, grade, type Memory } from '../../../src/islands/cards/schedule.ts';
import { loadExtraCards, loadTerms } from '../content/load.ts';

export const minute = 60_000;
export const day = 86_400_000;
/** A Monday, ten in the morning. */
export const start = new Date(2026, 2, 2, 10).getTime();
export const deck = deckOf(
  loadTerms().map(({ data }) => data),
  loadExtraCards(),
);
export const scheduler = createScheduler({ fuzz: false });

export function review(card: string, atMs: number, rating: Rating, state = 0): LogEntry {
  return {
    kind: 'review',
    id: `${card}@${atMs}`,
    card,
    atMs,
    rating,
    durationMs: 5_000,
    zone: 'UTC',
    before: { state, stability: 0, difficulty: 0 },
    scheduledDays: 0,
  };
}

/** A card that was learnt at `fromMs` and then reviewed on each due day with these grades. */
export function history(card: string, fromMs: number, grades: readonly Rating[]): LogEntry[] {
  const log: LogEntry[] = [];
  let memory: Memory | undefined;
  let atMs = fromMs;
  for (const rating of grades) {
    log.push(review(card, atMs, rating, memory?.state ?? 0));
    memory = grade(memory, atMs, rating, scheduler);
    atMs = memory.due.getTime();
  }
  return log;
}

export const memoriesOf = (log: readonly LogEntry[]): Map<string, Memory> => foldLog(log, scheduler);

let next = 0;
/** An id that no other entry of the test has. */
export const entryId = (): string => `e${next++}`;

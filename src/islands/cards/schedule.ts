import { createEmptyCard, type FSRS, fsrs, type Grade, generatorParameters, type Card as Memory } from 'ts-fsrs';
import type { LogEntry, Rating, ReviewEntry } from '#contract';

export type { LogEntry, Memory, Rating, ReviewEntry };

/** 1 Again, 2 Hard, 3 Good, 4 Easy. Hard is a pass: remembered, with effort. */
export const ratings: readonly Rating[] = [1, 2, 3, 4];

export interface SchedulerOptions {
  /** The share of cards to be remembered when they come back. */
  readonly retention?: number;
  /** Spreads long intervals a little, so that cards learnt together part. Off in tests. */
  readonly fuzz?: boolean;
}

const longestDays = 36_500;

/** FSRS-6 with its default weights, learning steps of 1 and 10 minutes. */
export function createScheduler({ retention = 0.9, fuzz = true }: SchedulerOptions = {}): FSRS {
  return fsrs(
    generatorParameters({
      request_retention: retention,
      maximum_interval: longestDays,
      enable_fuzz: fuzz,
      enable_short_term: true,
      learning_steps: ['1m', '10m'],
      relearning_steps: ['10m'],
    }),
  );
}

/** Entries that were not taken back, in the order of time; of equal times, of their ids. */
export function effective(log: readonly LogEntry[]): LogEntry[] {
  const undone = new Set(log.flatMap((entry) => (entry.kind === 'undo' ? [entry.of] : [])));
  return log
    .filter(({ id, kind }) => kind !== 'undo' && !undone.has(id))
    .toSorted((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
}

/** The reviews that count: not taken back, and after the moment their card was last forgotten on purpose. */
export function effectiveReviews(log: readonly LogEntry[]): ReviewEntry[] {
  const entries = effective(log);
  const forgotten = new Map<string | undefined, number>();
  for (const entry of entries) if (entry.kind === 'forget') forgotten.set(entry.card, entry.atMs);
  const since = (card: string) => Math.max(forgotten.get(card) ?? -1, forgotten.get(undefined) ?? -1);
  return entries.filter((entry) => entry.kind === 'review').filter(({ card, atMs }) => atMs > since(card));
}

/** The state of memory of every card that was seen: a fold over the log, so that two logs can be joined. */
export function foldLog(log: readonly LogEntry[], scheduler: FSRS): Map<string, Memory> {
  const memories = new Map<string, Memory>();
  for (const { card, atMs, rating } of effectiveReviews(log)) {
    memories.set(card, grade(memories.get(card), atMs, rating, scheduler));
  }
  return memories;
}

/** The memory after one grade; a card without a memory is new. */
export function grade(memory: Memory | undefined, atMs: number, rating: Rating, scheduler: FSRS): Memory {
  const before: Memory = memory ?? createEmptyCard(new Date(atMs));
  return scheduler.next(before, new Date(atMs), rating as Grade).card;
}

/** Milliseconds until the card returns, for each grade. */
export function intervals(memory: Memory | undefined, atMs: number, scheduler: FSRS): Record<Rating, number> {
  const wait = (rating: Rating) => {
    const ms = grade(memory, atMs, rating, scheduler).due.getTime() - atMs;
    return Math.min(ms, longestDays * 86_400_000);
  };
  return { 1: wait(1), 2: wait(2), 3: wait(3), 4: wait(4) };
}

/** Probability, 0 to 1, that the card is remembered now. */
export function recall(memory: Memory, atMs: number, scheduler: FSRS): number {
  return scheduler.get_retrievability(memory, new Date(atMs), false);
}

/** An interval in words: `1 min`, `2 days`, `3 months`. */
export function intervalWords(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 60 * 24) return count(Math.round(minutes / 60), 'hour');
  const days = Math.round(minutes / 1440);
  if (days < 60) return count(days, 'day');
  if (days < 365) return count(Math.round(days / 30.4), 'month');
  return `${(days / 365).toFixed(1).replace('.0', '')} years`;
}

function count(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? '' : 's'}`;
}

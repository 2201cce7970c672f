import type { Memory } from './schedule.ts';

const dayMs = 86_400_000;
/** Cards whose turn would come after the exam return once in its last two weeks. */
const lastStretchDays = 14;

/** Nine in the morning of the day of the exam, local time; undefined when there is none. */
export function examMs(date: string): number | undefined {
  const [year, month, day] = date.split('-').map(Number);
  if (!year || !month || !day) return undefined;
  return new Date(year, month - 1, day, 9).getTime();
}

/**
 * When a card is due, in milliseconds. Before an exam no known card stays away until after it: each returns once in the last two
 * weeks, on a day of its own, so that they do not all come on one day.
 */
export function examDue(input: {
  readonly card: string;
  readonly memory: Memory;
  readonly examMs: number | undefined;
  readonly nowMs: number;
}): number {
  const dueMs = input.memory.due.getTime();
  const exam = input.examMs;
  if (exam === undefined || exam <= input.nowMs || dueMs < exam) return dueMs;
  const lastSeenMs = input.memory.last_review?.getTime() ?? 0;
  const turnMs = exam - (1 + (spread(input.card) % lastStretchDays)) * dayMs;
  return lastSeenMs >= turnMs - dayMs ? dueMs : turnMs;
}

/** A number that is always the same for the same card. */
function spread(text: string): number {
  let hash = 0;
  for (const letter of text) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash;
}

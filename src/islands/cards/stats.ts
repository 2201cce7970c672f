import type { FSRS } from 'ts-fsrs';
import { examDue, examMs } from './exam.ts';
import type { Library } from './library.ts';
import { dayMs, studyDayStart } from './queue.ts';
import { effectiveReviews, grade, type LogEntry, type Memory, type ReviewEntry, recall } from './schedule.ts';

/** A card that was forgotten so often costs more than it gives: reword it, or learn its word again. */
export const leechLapses = 6;
const matureDays = 21;

/** Passes among reviews of known cards; `share` is undefined when there were none. */
export interface Retention {
  readonly reviews: number;
  readonly passed: number;
  readonly share?: number;
}

/** Reviews of known cards with the recall that the schedule expected at that moment; the first of a day for each card. */
interface Judged {
  readonly entry: ReviewEntry;
  readonly expected: number;
  readonly intervalDays: number;
}

export interface Stats {
  readonly reviews: number;
  readonly minutes: number;
  readonly cardsSeen: number;
  /** True retention over the last 30 days: all, and by the length of the interval before. */
  readonly retention: { readonly all: Retention; readonly young: Retention; readonly mature: Retention };
  /** Expected against real recall, in steps of expected recall; only steps that have reviews. */
  readonly calibration: readonly { readonly expected: number; readonly real: number; readonly reviews: number }[];
  /** Reviews on each of the last 30 study days, the oldest first. */
  readonly perDay: readonly { readonly dayMs: number; readonly reviews: number }[];
  readonly leeches: readonly { readonly card: string; readonly lapses: number }[];
}

/** What the log says about the learner's memory. `scheduler` is the one in use: expected recall follows its weights. */
export function statsOf(log: readonly LogEntry[], nowMs: number, scheduler: FSRS): Stats {
  const reviews = effectiveReviews(log);
  const { judged, memories } = judge(reviews, scheduler);
  const recent = judged.filter(({ entry }) => entry.atMs >= nowMs - 30 * dayMs);
  return {
    reviews: reviews.length,
    minutes: Math.round(reviews.reduce((sum, { durationMs }) => sum + Math.min(durationMs, 120_000), 0) / 60_000),
    cardsSeen: memories.size,
    retention: {
      all: retentionOf(recent),
      young: retentionOf(recent.filter(({ intervalDays }) => intervalDays < matureDays)),
      mature: retentionOf(recent.filter(({ intervalDays }) => intervalDays >= matureDays)),
    },
    calibration: calibrationOf(judged),
    perDay: perDay(reviews, nowMs),
    leeches: [...memories]
      .filter(([, { lapses }]) => lapses >= leechLapses)
      .map(([card, { lapses }]) => ({ card, lapses }))
      .toSorted((a, b) => b.lapses - a.lapses),
  };
}

function judge(reviews: readonly ReviewEntry[], scheduler: FSRS) {
  const memories = new Map<string, Memory>();
  const lastDay = new Map<string, number>();
  const judged: Judged[] = [];
  for (const entry of reviews) {
    const memory = memories.get(entry.card);
    const day = studyDayStart(entry.atMs);
    if (memory && memory.scheduled_days >= 1 && lastDay.get(entry.card) !== day)
      judged.push({
        entry,
        expected: recall(memory, entry.atMs, scheduler),
        intervalDays: memory.scheduled_days,
      });
    lastDay.set(entry.card, day);
    memories.set(entry.card, grade(memory, entry.atMs, entry.rating, scheduler));
  }
  return { judged, memories };
}

function retentionOf(judged: readonly Judged[]): Retention {
  const passed = judged.filter(({ entry }) => entry.rating > 1).length;
  return { reviews: judged.length, passed, ...(judged.length > 0 ? { share: passed / judged.length } : {}) };
}

const calibrationSteps = 10;

function calibrationOf(judged: readonly Judged[]): Stats['calibration'] {
  const steps = Array.from({ length: calibrationSteps }, () => ({ expected: 0, passed: 0, reviews: 0 }));
  for (const { entry, expected } of judged) {
    const step = steps[Math.min(calibrationSteps - 1, Math.floor(expected * calibrationSteps))];
    if (!step) continue;
    step.expected += expected;
    step.passed += entry.rating > 1 ? 1 : 0;
    step.reviews++;
  }
  return steps
    .filter(({ reviews }) => reviews > 0)
    .map(({ expected, passed, reviews }) => ({ expected: expected / reviews, real: passed / reviews, reviews }));
}

function perDay(reviews: readonly ReviewEntry[], nowMs: number): Stats['perDay'] {
  const counts = new Map<number, number>();
  for (const { atMs } of reviews) counts.set(studyDayStart(atMs), (counts.get(studyDayStart(atMs)) ?? 0) + 1);
  return studyDays(nowMs, -29, 30).map((start) => ({ dayMs: start, reviews: counts.get(start) ?? 0 }));
}

/** Starts of `count` study days, from `offset` days after today's. By the calendar, so that a change of the clock moves nothing. */
export function studyDays(nowMs: number, offset: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const start = new Date(studyDayStart(nowMs));
    start.setDate(start.getDate() + offset + index);
    return start.getTime();
  });
}

/** Known cards that come due on each of the next `days` study days; what is overdue counts for today. */
export function dueForecast(input: {
  readonly library: Library;
  readonly memories: ReadonlyMap<string, Memory>;
  readonly nowMs: number;
  readonly days: number;
}): number[] {
  const { library, memories, nowMs } = input;
  const starts = studyDays(nowMs, 0, input.days + 1);
  const counts = new Array<number>(input.days).fill(0);
  const exam = examMs(library.settings.examDate);
  for (const { id } of library.cards) {
    const memory = memories.get(id);
    if (!memory || memory.scheduled_days < 1 || library.suspended.has(id)) continue;
    const dueMs = examDue({ card: id, memory, examMs: exam, nowMs });
    const next = starts.findIndex((start) => start > dueMs);
    if (next === -1) continue;
    const day = Math.max(0, next - 1);
    counts[day] = (counts[day] ?? 0) + 1;
  }
  return counts;
}

/** How a pile is worked off: today's pile, cards a day, and in how many days it is gone, when it can be. */
export interface CatchUp {
  readonly pile: number;
  readonly perDay: number;
  readonly days?: number;
}

/** The pile of today under `perDay` reviews a day, while new reviews keep coming as in `forecast`. */
export function catchUp(forecast: readonly number[], perDay: number): CatchUp {
  let pile = 0;
  for (const [day, arriving] of forecast.entries()) {
    pile = Math.max(0, pile + arriving - perDay);
    if (pile === 0) return { pile: forecast[0] ?? 0, perDay, days: day + 1 };
  }
  return { pile: forecast[0] ?? 0, perDay };
}

/** What is left until the exam: cards that are still new, days, and how many new cards a day reach all of them. */
export interface ExamPlan {
  readonly daysLeft: number;
  readonly fresh: number;
  readonly perDay: number;
}

export function examPlan(library: Library, memories: ReadonlyMap<string, Memory>, nowMs: number): ExamPlan | undefined {
  const exam = examMs(library.settings.examDate);
  if (exam === undefined || exam <= nowMs) return undefined;
  const daysLeft = Math.max(1, Math.ceil((exam - nowMs) / dayMs));
  const fresh = library.cards.filter(({ id }) => !memories.has(id) && !library.suspended.has(id)).length;
  return { daysLeft, fresh, perDay: Math.ceil(fresh / daysLeft) };
}

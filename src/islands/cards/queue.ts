import type { FSRS } from 'ts-fsrs';
import type { Card } from '../../course/cards.ts';
import { effectiveReviews, foldLog, type LogEntry, recall } from './schedule.ts';

export const newPerDay = 8;
const dayStartsAtHour = 4;
const learnAheadMs = 20 * 60_000;
const dayMs = 86_400_000;
// One new card after this many known ones.
const knownBeforeNew = 3;

export interface Queue {
  /** In the order of review; the first is next. */
  readonly cards: readonly Card[];
  readonly due: number;
  readonly fresh: number;
  /** When the next card comes back, when nothing is left now. */
  readonly nextMs?: number;
}

export interface QueueInput {
  readonly deck: readonly Card[];
  readonly log: readonly LogEntry[];
  readonly nowMs: number;
  readonly scheduler: FSRS;
}

/** The study day begins at four in the morning, local time: a late evening belongs to the day before. */
export function studyDayStart(nowMs: number): number {
  const start = new Date(nowMs);
  if (start.getHours() < dayStartsAtHour) start.setDate(start.getDate() - 1);
  start.setHours(dayStartsAtHour, 0, 0, 0);
  return start.getTime();
}

/**
 * What to review now. Cards in learning come when their minutes are over; known cards come on their day, the ones most at
 * risk first; at most eight new cards a day. Of one term, only one card a day is shown.
 */
export function buildQueue({ deck, log, nowMs, scheduler }: QueueInput): Queue {
  const memories = foldLog(log, scheduler);
  const dayStart = studyDayStart(nowMs);
  const seenToday = effectiveReviews(log).filter(({ atMs }) => atMs >= dayStart);
  const cardsToday = new Set(seenToday.map(({ card }) => card));
  const termsToday = new Set([...cardsToday].map(termOf));
  const introduced = new Set(seenToday.filter(({ before }) => before.state === 0).map(({ card }) => card)).size;

  const learning: { card: Card; dueMs: number }[] = [];
  const known: { card: Card; recall: number }[] = [];
  const fresh: Card[] = [];
  let nextMs = Number.POSITIVE_INFINITY;
  for (const card of deck) {
    const memory = memories.get(card.id);
    const dueMs = memory?.due.getTime() ?? 0;
    if (!memory) fresh.push(card);
    else if (memory.scheduled_days < 1) learning.push({ card, dueMs });
    else if (dueMs < dayStart + dayMs && !cardsToday.has(card.id))
      known.push({ card, recall: recall(memory, nowMs, scheduler) });
    else nextMs = Math.min(nextMs, dueMs);
  }
  known.sort((a, b) => a.recall - b.recall);
  learning.sort((a, b) => a.dueMs - b.dueMs);

  const knownOnce = onePerTerm(
    known.map(({ card }) => card),
    termsToday,
  );
  const taken = new Set([...termsToday, ...knownOnce.map(({ slug }) => slug)]);
  const freshOnce = onePerTerm(fresh, taken).slice(0, Math.max(0, newPerDay - introduced));
  const ready = learning.filter(({ dueMs }) => dueMs <= nowMs).map(({ card }) => card);
  const soon = learning.filter(({ dueMs }) => dueMs > nowMs && dueMs <= nowMs + learnAheadMs).map(({ card }) => card);
  const later = learning.find(({ dueMs }) => dueMs > nowMs + learnAheadMs);
  const cards = [...ready, ...interleave(knownOnce, freshOnce), ...soon];
  const wait = Math.min(
    nextMs,
    later?.dueMs ?? Number.POSITIVE_INFINITY,
    fresh.length > 0 ? dayStart + dayMs : Number.POSITIVE_INFINITY,
  );
  return {
    cards,
    due: ready.length + knownOnce.length + soon.length,
    fresh: freshOnce.length,
    ...(Number.isFinite(wait) ? { nextMs: wait } : {}),
  };
}

function termOf(cardId: string): string {
  return cardId.split(':')[0] ?? cardId;
}

function onePerTerm(cards: readonly Card[], taken: ReadonlySet<string>): Card[] {
  const used = new Set(taken);
  return cards.filter(({ slug }) => {
    if (used.has(slug)) return false;
    used.add(slug);
    return true;
  });
}

function interleave(known: readonly Card[], fresh: readonly Card[]): Card[] {
  const mixed: Card[] = [];
  let taken = 0;
  for (const [index, card] of known.entries()) {
    mixed.push(card);
    if ((index + 1) % knownBeforeNew === 0 && taken < fresh.length) mixed.push(fresh[taken++] as Card);
  }
  return [...mixed, ...fresh.slice(taken)];
}

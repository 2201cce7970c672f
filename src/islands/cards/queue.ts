import type { FSRS } from 'ts-fsrs';
import type { Card } from '../../course/cards.ts';
import { examDue, examMs } from './exam.ts';
import { type Library, openLibrary } from './library.ts';
import { effectiveReviews, foldLog, type LogEntry, type Memory, recall } from './schedule.ts';

const dayStartsAtHour = 4;
const learnAheadMs = 20 * 60_000;
export const dayMs = 86_400_000;
// One new card after this many known ones.
const knownBeforeNew = 3;

export interface Queue {
  /** In the order of review; the first is next. */
  readonly cards: readonly Card[];
  readonly due: number;
  readonly fresh: number;
  /** Known cards that are due, but wait for another day because today's reviews are used up. */
  readonly waiting: number;
  /** When the next card comes back, when nothing is left now. */
  readonly nextMs?: number;
}

export interface QueueInput {
  readonly deck: readonly Card[];
  readonly log: readonly LogEntry[];
  readonly nowMs: number;
  readonly scheduler: FSRS;
  /** False where no voice speaks: cards that must be heard stay away. */
  readonly canHear?: boolean;
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
 * risk first, up to the day's number of reviews; at most the day's number of new cards. Of one term, only one card a day is shown.
 */
export function buildQueue(input: QueueInput): Queue {
  const { log, nowMs, scheduler } = input;
  const library = openLibrary(input.deck, log);
  const memories = foldLog(log, scheduler);
  const today = reviewsOfToday(log, nowMs);
  const { learning, known, fresh, nextMs } = sort({ ...input, library, memories, today });

  const cap = Math.max(0, library.settings.reviewsPerDay - today.known);
  const knownOnce = onePerTerm(known, today.terms);
  const knownNow = knownOnce.slice(0, cap);
  const taken = new Set([...today.terms, ...knownOnce.map(({ slug }) => slug)]);
  const freshOnce = onePerTerm(fresh, taken).slice(0, Math.max(0, library.settings.newPerDay - today.introduced));
  const ready = learning.filter(({ dueMs }) => dueMs <= nowMs).map(({ card }) => card);
  const soon = learning.filter(({ dueMs }) => dueMs > nowMs && dueMs <= nowMs + learnAheadMs).map(({ card }) => card);
  const later = learning.find(({ dueMs }) => dueMs > nowMs + learnAheadMs);
  const tomorrow = today.startMs + dayMs;
  const moreTomorrow = (fresh.length > 0 && library.settings.newPerDay > 0) || known.length > knownNow.length;
  const wait = Math.min(
    nextMs,
    later?.dueMs ?? Number.POSITIVE_INFINITY,
    moreTomorrow ? tomorrow : Number.POSITIVE_INFINITY,
  );
  return {
    cards: [...ready, ...interleave(knownNow, freshOnce), ...soon],
    due: ready.length + knownNow.length + soon.length,
    fresh: freshOnce.length,
    waiting: knownOnce.length - knownNow.length,
    ...(Number.isFinite(wait) ? { nextMs: wait } : {}),
  };
}

interface Today {
  readonly startMs: number;
  readonly cards: ReadonlySet<string>;
  readonly terms: ReadonlySet<string>;
  /** New cards that were introduced today. */
  readonly introduced: number;
  /** Known cards that were reviewed today. */
  readonly known: number;
}

function reviewsOfToday(log: readonly LogEntry[], nowMs: number): Today {
  const startMs = studyDayStart(nowMs);
  const seen = effectiveReviews(log).filter(({ atMs }) => atMs >= startMs);
  const cards = new Set(seen.map(({ card }) => card));
  const inState = (states: readonly number[]) =>
    new Set(seen.filter(({ before }) => states.includes(before.state)).map(({ card }) => card)).size;
  return { startMs, cards, terms: new Set([...cards].map(termOf)), introduced: inState([0]), known: inState([2]) };
}

interface Sorted {
  readonly learning: readonly { readonly card: Card; readonly dueMs: number }[];
  readonly known: readonly Card[];
  readonly fresh: readonly Card[];
  readonly nextMs: number;
}

function sort(input: QueueInput & { library: Library; memories: ReadonlyMap<string, Memory>; today: Today }): Sorted {
  const { library, memories, today, nowMs, scheduler, canHear = true } = input;
  const exam = examMs(library.settings.examDate);
  const learning: { card: Card; dueMs: number }[] = [];
  const known: { card: Card; recall: number }[] = [];
  const fresh: Card[] = [];
  let nextMs = Number.POSITIVE_INFINITY;
  for (const card of library.cards) {
    if (library.suspended.has(card.id) || (card.type === 'hear' && !canHear)) continue;
    const memory = memories.get(card.id);
    if (!memory) {
      fresh.push(card);
      continue;
    }
    const dueMs = examDue({ card: card.id, memory, examMs: exam, nowMs });
    if (memory.scheduled_days < 1) learning.push({ card, dueMs });
    else if (dueMs < today.startMs + dayMs && !today.cards.has(card.id))
      known.push({ card, recall: recall(memory, nowMs, scheduler) });
    else nextMs = Math.min(nextMs, dueMs);
  }
  known.sort((a, b) => a.recall - b.recall);
  learning.sort((a, b) => a.dueMs - b.dueMs);
  return { learning, known: known.map(({ card }) => card), fresh, nextMs };
}

function termOf(cardId: string): string {
  return cardId.startsWith('own:') ? cardId : (cardId.split(':')[0] ?? cardId);
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

import { useEffect, useMemo, useRef, useState } from 'react';
import { whenVoice } from '../../components/speech.ts';
import type { Card } from '../../course/cards.ts';
import type { Attempt } from './attempt.ts';
import { openLibrary } from './library.ts';
import { buildQueue, type Queue } from './queue.ts';
import { createScheduler, foldLog, grade, intervals, type Memory, type Rating, type ReviewEntry } from './schedule.ts';
import { useLog } from './use-log.ts';

export interface Review {
  readonly state: 'loading' | 'failed' | 'ready';
  readonly kept: boolean;
  readonly queue: Queue;
  /** The card in hand; undefined when nothing is left now. */
  readonly card?: Card;
  /** What is remembered of it; undefined when it is new. */
  readonly memory?: Memory;
  readonly shown: boolean;
  /** What was answered before the answer was shown. */
  readonly attempt?: Attempt;
  readonly waits?: Record<Rating, number>;
  /** Grades of this sitting, in order. */
  readonly sitting: readonly ReviewEntry[];
  /** Shows the answer, after an attempt or without one. */
  show(attempt?: Attempt): void;
  rate(rating: Rating): void;
  undo(): void;
  /** Takes the card in hand out of the queue until the learner wants it back. */
  suspend(): void;
  retry(): void;
}

const empty: Queue = { cards: [], due: 0, fresh: 0, waiting: 0 };
const refreshMs = 15_000;

/** One sitting: takes cards from the queue, writes grades into the log, takes the last grade back. */
export function useReview(): Review {
  const { state, kept, deck, log, add, reload } = useLog();
  const library = useMemo(() => openLibrary(deck, log), [deck, log]);
  const { retention } = library.settings;
  const scheduler = useMemo(() => createScheduler({ retention }), [retention]);
  const [sitting, setSitting] = useState<readonly ReviewEntry[]>([]);
  const [nowMs, setNowMs] = useState(() => Date.now());
  const [held, setHeld] = useState<string>();
  const [shownAt, setShownAt] = useState<number>();
  const [attempt, setAttempt] = useState<Attempt>();
  const [canHear, setCanHear] = useState(false);
  const askedAt = useRef(0);
  useEffect(() => whenVoice(() => setCanHear(true)), []);
  useEffect(() => {
    const clock = setInterval(() => setNowMs(Date.now()), refreshMs);
    return () => clearInterval(clock);
  }, []);

  const queue = useMemo(
    () => (state === 'ready' ? buildQueue({ deck, log, nowMs, scheduler, canHear }) : empty),
    [state, deck, log, nowMs, scheduler, canHear],
  );
  // A card in hand stays in hand, although the queue behind it changes with the minutes.
  const card = queue.cards.find(({ id }) => id === held) ?? queue.cards[0];
  const cardId = card?.id;
  useEffect(() => {
    setHeld(cardId);
    setShownAt(undefined);
    setAttempt(undefined);
    askedAt.current = Date.now();
  }, [cardId]);

  const memories = useMemo(() => foldLog(log, scheduler), [log, scheduler]);
  const memory = cardId === undefined ? undefined : memories.get(cardId);
  const waits = useMemo(
    () => (shownAt === undefined ? undefined : intervals(memory, shownAt, scheduler)),
    [memory, shownAt, scheduler],
  );

  const rate = (rating: Rating) => {
    if (cardId === undefined || shownAt === undefined) return;
    const after = grade(memory, shownAt, rating, scheduler);
    if (sitting.length === 0) void navigator.storage?.persist?.();
    const entry = add({
      kind: 'review',
      card: cardId,
      atMs: shownAt,
      rating,
      durationMs: Math.min(Date.now() - askedAt.current, 86_400_000),
      zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      before: { state: memory?.state ?? 0, stability: memory?.stability ?? 0, difficulty: memory?.difficulty ?? 0 },
      scheduledDays: after.scheduled_days,
    });
    setNowMs(Date.now());
    setSitting((entries) => [...entries, entry as ReviewEntry]);
    setHeld(undefined);
    setShownAt(undefined);
  };
  const undo = () => {
    const last = sitting.at(-1);
    if (!last) return;
    add({ kind: 'undo', of: last.id });
    setNowMs(Date.now());
    setSitting((entries) => entries.slice(0, -1));
    setHeld(last.card);
    setShownAt(undefined);
    setAttempt(undefined);
  };

  const suspend = () => {
    if (cardId === undefined) return;
    add({ kind: 'suspend', card: cardId, on: true });
    setHeld(undefined);
  };

  return {
    state,
    kept,
    queue,
    ...(card ? { card } : {}),
    ...(memory ? { memory } : {}),
    shown: shownAt !== undefined,
    ...(attempt ? { attempt } : {}),
    ...(waits ? { waits } : {}),
    sitting,
    show: (given) => {
      setShownAt((before) => before ?? Date.now());
      setAttempt((before) => before ?? given);
    },
    rate,
    undo,
    suspend,
    retry: reload,
  };
}

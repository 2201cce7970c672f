import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Card } from '../../course/cards.ts';
import { loadDeck } from './deck.ts';
import { type LogStore, openLogStore } from './log-store.ts';
import { buildQueue, type Queue } from './queue.ts';
import {
  createScheduler,
  foldLog,
  grade,
  intervals,
  type LogEntry,
  type Rating,
  type ReviewEntry,
} from './schedule.ts';

export interface Review {
  readonly state: 'loading' | 'failed' | 'ready';
  readonly kept: boolean;
  readonly queue: Queue;
  /** The card in hand; undefined when nothing is left now. */
  readonly card?: Card;
  readonly shown: boolean;
  readonly waits?: Record<Rating, number>;
  /** Grades of this sitting, in order. */
  readonly sitting: readonly ReviewEntry[];
  show(): void;
  rate(rating: Rating): void;
  undo(): void;
  retry(): void;
}

const empty: Queue = { cards: [], due: 0, fresh: 0 };
const refreshMs = 15_000;

/** One sitting: takes cards from the queue, writes grades into the log, takes the last grade back. */
export function useReview(): Review {
  const scheduler = useMemo(() => createScheduler(), []);
  const [deck, setDeck] = useState<readonly Card[]>();
  const [store, setStore] = useState<LogStore>();
  const [log, setLog] = useState<readonly LogEntry[]>([]);
  const [failed, setFailed] = useState(false);
  const [sitting, setSitting] = useState<readonly ReviewEntry[]>([]);
  const [nowMs, setNowMs] = useState(() => Date.now());
  const [held, setHeld] = useState<string>();
  const [shownAt, setShownAt] = useState<number>();
  const askedAt = useRef(0);

  const load = useCallback(() => {
    setFailed(false);
    Promise.all([loadDeck(), openLogStore()])
      .then(async ([cards, opened]) => {
        setLog(await opened.all());
        setStore(opened);
        setDeck(cards);
      })
      .catch((error: unknown) => {
        console.error(error);
        setFailed(true);
      });
  }, []);
  useEffect(load, [load]);

  // Another tab may have reviewed meanwhile, and minutes pass: look again when the page is seen.
  useEffect(() => {
    const look = () => {
      if (document.hidden) return;
      setNowMs(Date.now());
      store?.all().then(setLog, console.error);
    };
    const clock = setInterval(() => setNowMs(Date.now()), refreshMs);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(clock);
      document.removeEventListener('visibilitychange', look);
    };
  }, [store]);

  const queue = useMemo(
    () => (deck ? buildQueue({ deck, log, nowMs, scheduler }) : empty),
    [deck, log, nowMs, scheduler],
  );
  // A card in hand stays in hand, although the queue behind it changes with the minutes.
  const card = queue.cards.find(({ id }) => id === held) ?? queue.cards[0];
  const cardId = card?.id;
  useEffect(() => {
    setHeld(cardId);
    setShownAt(undefined);
    askedAt.current = Date.now();
  }, [cardId]);

  const memories = useMemo(() => foldLog(log, scheduler), [log, scheduler]);
  const memory = cardId === undefined ? undefined : memories.get(cardId);
  const waits = useMemo(
    () => (shownAt === undefined ? undefined : intervals(memory, shownAt, scheduler)),
    [memory, shownAt, scheduler],
  );

  const append = (entry: LogEntry) => {
    setLog((entries) => [...entries, entry]);
    store?.add(entry).catch(console.error);
    setNowMs(Date.now());
  };
  const rate = (rating: Rating) => {
    if (cardId === undefined || shownAt === undefined) return;
    const after = grade(memory, shownAt, rating, scheduler);
    const entry: ReviewEntry = {
      kind: 'review',
      id: crypto.randomUUID(),
      card: cardId,
      atMs: shownAt,
      rating,
      durationMs: Date.now() - askedAt.current,
      zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      before: { state: memory?.state ?? 0, stability: memory?.stability ?? 0, difficulty: memory?.difficulty ?? 0 },
      scheduledDays: after.scheduled_days,
    };
    if (sitting.length === 0) void navigator.storage?.persist?.();
    append(entry);
    setSitting((entries) => [...entries, entry]);
    setHeld(undefined);
    setShownAt(undefined);
  };
  const undo = () => {
    const last = sitting.at(-1);
    if (!last) return;
    append({ kind: 'undo', id: crypto.randomUUID(), of: last.id, atMs: Date.now() });
    setSitting((entries) => entries.slice(0, -1));
    setHeld(last.card);
    setShownAt(undefined);
  };

  return {
    state: failed ? 'failed' : deck ? 'ready' : 'loading',
    kept: store?.kept ?? true,
    queue,
    ...(card ? { card } : {}),
    shown: shownAt !== undefined,
    ...(waits ? { waits } : {}),
    sitting,
    show: () => setShownAt((before) => before ?? Date.now()),
    rate,
    undo,
    retry: load,
  };
}

import { useCallback, useEffect, useRef, useState } from 'react';
import type { LogEntry } from '#contract';
import type { Card } from '../../course/cards.ts';
import { loadDeck } from './deck.ts';
import { findLogServer } from './log-server.ts';
import { type LogStore, openLogStore } from './log-store.ts';
import { syncLog } from './sync.ts';

/** An entry before it has an id and a moment. */
export type NewEntry = LogEntry extends infer Entry
  ? Entry extends LogEntry
    ? Omit<Entry, 'id' | 'atMs'> & { readonly atMs?: number }
    : never
  : never;

/** The deck of the site and the log of this learner, kept up with other tabs and with the lab server. */
export interface LearnerLogState {
  readonly state: 'loading' | 'failed' | 'ready';
  readonly kept: boolean;
  readonly deck: readonly Card[];
  readonly log: readonly LogEntry[];
  /** Adds an entry and answers it as it stands in the log. */
  add(entry: NewEntry): LogEntry;
  /** Adds what comes from a file; answers how many were new. */
  join(entries: readonly LogEntry[]): Promise<number>;
  reload(): void;
}

const syncDelayMs = 2_000;

export function useLog(): LearnerLogState {
  const [deck, setDeck] = useState<readonly Card[]>();
  const [store, setStore] = useState<LogStore>();
  const [log, setLog] = useState<readonly LogEntry[]>([]);
  const [failed, setFailed] = useState(false);

  const reload = useCallback(() => {
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
  useEffect(reload, [reload]);

  const read = useCallback(() => void store?.all().then(setLog, console.error), [store]);
  const syncSoon = useSync(store, read);

  const append = (entry: LogEntry) => {
    setLog((entries) => [...entries, entry]);
    store?.append(entry).then(syncSoon, console.error);
  };
  return {
    state: failed ? 'failed' : deck ? 'ready' : 'loading',
    kept: store?.kept ?? true,
    deck: deck ?? [],
    log,
    add: (given) => {
      const entry = { atMs: Date.now(), ...given, id: crypto.randomUUID() } as LogEntry;
      append(entry);
      return entry;
    },
    join: async (entries) => {
      if (!store) return 0;
      const added = await store.add(entries);
      read();
      syncSoon();
      return added.length;
    },
    reload,
  };
}

/** Joins the log with the server's: now, when the page is seen again, and shortly after each entry. */
function useSync(store: LogStore | undefined, read: () => void): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const sync = useCallback(() => {
    if (!store) return;
    findLogServer()
      .then((server) => (server ? syncLog(store, server) : undefined))
      .then((result) => {
        if (result && result.received > 0) read();
      })
      // The log is safe in the browser; the next time tries again.
      .catch((error: unknown) => console.info('The log was not joined with the lab server.', error));
  }, [store, read]);
  useEffect(() => {
    sync();
    const seen = () => {
      if (document.hidden) return;
      read();
      sync();
    };
    document.addEventListener('visibilitychange', seen);
    const leave = store?.onOtherTab(read);
    return () => {
      document.removeEventListener('visibilitychange', seen);
      leave?.();
      clearTimeout(timer.current);
    };
  }, [store, read, sync]);
  return useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(sync, syncDelayMs);
  }, [sync]);
}

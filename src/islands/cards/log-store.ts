import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { LogEntry } from './schedule.ts';

interface CardsDatabase extends DBSchema {
  log: { key: string; value: LogEntry; indexes: { atMs: number } };
}

/** The review log of this browser. Entries are added, never changed and never removed. */
export interface LogStore {
  /** False when the browser keeps nothing; the log then lasts as long as the page. */
  readonly kept: boolean;
  all(): Promise<LogEntry[]>;
  add(entry: LogEntry): Promise<void>;
}

export async function openLogStore(): Promise<LogStore> {
  try {
    return keptStore(await openDatabase());
  } catch (error) {
    console.info('Reviews are not kept in this browser.', error);
    return pageStore();
  }
}

function openDatabase(): Promise<IDBPDatabase<CardsDatabase>> {
  return openDB<CardsDatabase>('meshwork-cards', 1, {
    upgrade(database) {
      database.createObjectStore('log', { keyPath: 'id' }).createIndex('atMs', 'atMs');
    },
  });
}

function keptStore(database: IDBPDatabase<CardsDatabase>): LogStore {
  return {
    kept: true,
    all: () => database.getAllFromIndex('log', 'atMs'),
    add: async (entry) => {
      await database.add('log', entry);
    },
  };
}

function pageStore(): LogStore {
  const entries: LogEntry[] = [];
  return {
    kept: false,
    all: () => Promise.resolve([...entries]),
    add: (entry) => {
      entries.push(entry);
      return Promise.resolve();
    },
  };
}

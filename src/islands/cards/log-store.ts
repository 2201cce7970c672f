import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { LogEntry } from '#contract';

interface CardsDatabase extends DBSchema {
  log: { key: string; value: LogEntry; indexes: { atMs: number } };
  /** Ids of entries that the lab server may not have yet. */
  unsent: { key: string; value: true };
  /** How far this browser has read the server's log, and whose log that is. */
  marks: { key: string; value: number | string };
}

export type EntrySource = 'here' | 'server';

/** The log of this browser. Entries are added, never changed; only `erase` takes any away. */
export interface LogStore {
  /** False when the browser keeps nothing; the log then lasts as long as the page. */
  readonly kept: boolean;
  all(): Promise<LogEntry[]>;
  /** Adds entries; one whose id is known stays as it is. Answers those that are new here. */
  add(entries: readonly LogEntry[], source?: EntrySource): Promise<LogEntry[]>;
  /** Adds an entry that was made here. Its writing goes on although the page is left at once. */
  append(entry: LogEntry): Promise<void>;
  /** Up to `limit` entries that the server may not have. */
  unsent(limit: number): Promise<LogEntry[]>;
  sent(ids: readonly string[]): Promise<void>;
  /** Everything is to be sent again, to a server that has not seen it. */
  sendAllAgain(): Promise<void>;
  /** Called when another tab of this browser has added something. */
  onOtherTab(changed: () => void): () => void;
  mark(name: string): Promise<number | string | undefined>;
  setMark(name: string, value: number | string): Promise<void>;
  erase(): Promise<void>;
}

const channelName = 'meshwork-cards';
let opened: Promise<LogStore> | undefined;

/** One store for a page: its parts share the connection. */
export function openLogStore(): Promise<LogStore> {
  opened ??= openDatabase()
    .then(keptStore)
    .catch((error: unknown) => {
      console.info('Reviews are not kept in this browser.', error);
      return pageStore();
    });
  return opened;
}

function openDatabase(): Promise<IDBPDatabase<CardsDatabase>> {
  return openDB<CardsDatabase>('meshwork-cards', 2, {
    async upgrade(database, oldVersion, _newVersion, transaction) {
      if (oldVersion < 1) database.createObjectStore('log', { keyPath: 'id' }).createIndex('atMs', 'atMs');
      if (oldVersion < 2) {
        database.createObjectStore('marks');
        const unsent = database.createObjectStore('unsent');
        for (const id of await transaction.objectStore('log').getAllKeys()) void unsent.put(true, id);
      }
    },
    // A tab with an older page must not hold back a newer one.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
}

function keptStore(database: IDBPDatabase<CardsDatabase>): LogStore {
  const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(channelName) : undefined;
  return {
    kept: true,
    all: () => database.getAllFromIndex('log', 'atMs'),
    add: async (entries, source = 'here') => {
      const transaction = database.transaction(['log', 'unsent'], 'readwrite');
      const added: LogEntry[] = [];
      for (const entry of entries) {
        const known = (await transaction.objectStore('log').getKey(entry.id)) !== undefined;
        if (known && source === 'server') await transaction.objectStore('unsent').delete(entry.id);
        if (known) continue;
        await transaction.objectStore('log').add(entry);
        if (source === 'here') await transaction.objectStore('unsent').put(true, entry.id);
        added.push(entry);
      }
      await transaction.done;
      if (added.length > 0) channel?.postMessage('added');
      return added;
    },
    append: async (entry) => {
      const transaction = database.transaction(['log', 'unsent'], 'readwrite');
      const writes = [transaction.objectStore('log').add(entry), transaction.objectStore('unsent').put(true, entry.id)];
      // Nothing more is asked of it: without this a page that is left would take it back.
      transaction.commit();
      await Promise.all([...writes, transaction.done]);
      channel?.postMessage('added');
    },
    unsent: async (limit) => {
      const ids = await database.getAllKeys('unsent', null, limit);
      const entries = await Promise.all(ids.map((id) => database.get('log', id)));
      return entries.filter((entry) => entry !== undefined);
    },
    sent: async (ids) => {
      const transaction = database.transaction('unsent', 'readwrite');
      await Promise.all(ids.map((id) => transaction.store.delete(id)));
      await transaction.done;
    },
    sendAllAgain: async () => {
      const transaction = database.transaction(['log', 'unsent'], 'readwrite');
      const ids = await transaction.objectStore('log').getAllKeys();
      await Promise.all(ids.map((id) => transaction.objectStore('unsent').put(true, id)));
      await transaction.done;
    },
    onOtherTab: (changed) => {
      const listen = () => changed();
      channel?.addEventListener('message', listen);
      return () => channel?.removeEventListener('message', listen);
    },
    mark: (name) => database.get('marks', name),
    setMark: async (name, value) => {
      await database.put('marks', value, name);
    },
    erase: async () => {
      const transaction = database.transaction(['log', 'unsent', 'marks'], 'readwrite');
      await Promise.all([
        transaction.objectStore('log').clear(),
        transaction.objectStore('unsent').clear(),
        transaction.objectStore('marks').clear(),
      ]);
      await transaction.done;
      channel?.postMessage('erased');
    },
  };
}

/** A log that lasts as long as the page. */
export function pageStore(): LogStore {
  const entries = new Map<string, LogEntry>();
  const unsent = new Set<string>();
  const marks = new Map<string, number | string>();
  return {
    kept: false,
    append: (entry) => {
      entries.set(entry.id, entry);
      unsent.add(entry.id);
      return Promise.resolve();
    },
    all: () => Promise.resolve([...entries.values()]),
    add: (given, source = 'here') => {
      const added = given.filter(({ id }) => !entries.has(id));
      for (const entry of added) entries.set(entry.id, entry);
      if (source === 'here') for (const { id } of added) unsent.add(id);
      else for (const { id } of given) unsent.delete(id);
      return Promise.resolve(added);
    },
    unsent: (limit) => Promise.resolve([...unsent].slice(0, limit).flatMap((id) => entries.get(id) ?? [])),
    sent: (ids) => {
      for (const id of ids) unsent.delete(id);
      return Promise.resolve();
    },
    sendAllAgain: () => {
      for (const id of entries.keys()) unsent.add(id);
      return Promise.resolve();
    },
    onOtherTab: () => () => undefined,
    mark: (name) => Promise.resolve(marks.get(name)),
    setMark: (name, value) => {
      marks.set(name, value);
      return Promise.resolve();
    },
    erase: () => {
      entries.clear();
      unsent.clear();
      marks.clear();
      return Promise.resolve();
    },
  };
}

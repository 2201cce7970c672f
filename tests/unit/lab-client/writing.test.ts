import { expect, test } from 'vitest';
import { storedDrafts } from '../../../src/lab-client/drafts.ts';
import { createStores } from '../../../src/lab-client/stores.ts';
import { Writing } from '../../../src/lab-client/writing.ts';

/** A browser's storage with room for so many characters. */
function storageOf(room: number) {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => {
      if (value.length > room) throw new DOMException('full', 'QuotaExceededError');
      kept.set(key, value);
    },
    removeItem: (key: string) => void kept.delete(key),
  };
}

function setUp(room: number, answer: () => Promise<never>) {
  const stores = createStores({ dock: 'req', panel: 'read' });
  const drafts = storedDrafts(storageOf(room));
  const fires: (() => void)[] = [];
  const writing = new Writing({
    lab: 'canary',
    stores,
    drafts,
    timers: {
      after: (_delayMs, fire) => {
        fires.push(fire);
        return () => undefined;
      },
    },
    request: answer,
    fail: () => undefined,
  });
  return { stores, drafts, writing, fires };
}

const away = () => Promise.reject(new Error('away'));

test('text that is written while the lab is away stays in this browser', () => {
  const { stores, drafts, writing } = setUp(1000, away);
  writing.edit('a.yaml', 'kind: Service');
  expect(stores.saving.get()).toBe('offline');
  expect(drafts.read('canary')).toEqual([{ file: 'a.yaml', text: 'kind: Service' }]);
});

test('where the browser has no room for it either, the page says so at once', () => {
  const { stores, drafts, writing } = setUp(10, away);
  writing.edit('a.yaml', 'kind: Service');
  expect(stores.saving.get()).toBe('nowhere');
  expect(stores.sheets.get().map(({ text }) => text)).toEqual(['kind: Service']);
  expect(drafts.read('canary')).toEqual([]);
});

test('a save that the lab does not take leaves the draft, and says where the text is', async () => {
  const { stores, writing, fires } = setUp(1000, away);
  stores.connection.set('open');
  writing.edit('a.yaml', 'kind: Service');
  expect(stores.saving.get()).toBe('waiting');
  fires.at(-1)?.();
  await new Promise((done) => setImmediate(done));
  expect(stores.saving.get()).toBe('offline');
});

const files = [{ file: 'a.yaml', text: 'the lab’s', readOnly: false }];

test('when the lab is there again, unsaved text stays on the screen, kept by the browser or not', () => {
  for (const room of [1000, 10]) {
    const { stores, drafts, writing } = setUp(room, away);
    writing.open(files, []);
    expect(stores.sheets.get().map(({ text }) => text)).toEqual(['the lab’s']);
    writing.edit('a.yaml', 'written while it was away');
    writing.open(files, drafts.read('canary'));
    expect(stores.sheets.get().map(({ text }) => text)).toEqual(['written while it was away']);
  }
});

test('a reset gives unsaved text up', () => {
  const { stores, writing } = setUp(1000, away);
  writing.open(files, []);
  writing.edit('a.yaml', 'mine');
  writing.forget();
  writing.open(files, []);
  expect(stores.sheets.get().map(({ text }) => text)).toEqual(['the lab’s']);
});

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { deflateSync, zipSync } from 'fflate';
import initSqlJs, { type SqlJsStatic } from 'sql.js';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LogEntry } from '#contract';
import { readAnkiText } from '../../../src/islands/cards/exchange/anki-text.ts';
import { readPackage } from '../../../src/islands/cards/exchange/apkg.ts';
import { readBackup } from '../../../src/islands/cards/exchange/backup.ts';
import { readCsv } from '../../../src/islands/cards/exchange/csv.ts';
import { planImport } from '../../../src/islands/cards/exchange/plan-import.ts';
import { readReviewLog, writeReviewLog } from '../../../src/islands/cards/exchange/review-log.ts';
import { DamagedZip, readZip, TooLarge } from '../../../src/islands/cards/exchange/zip.ts';
import { openLibrary } from '../../../src/islands/cards/library.ts';
import { day, review, start } from './support.ts';

let sql: SqlJsStatic;
beforeAll(async () => {
  const wasm = readFileSync(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'));
  sql = await initSqlJs({ wasmBinary: new Uint8Array(wasm).buffer });
});

const megabyte = 1_048_576;
const letters = (text: string): Uint8Array => new TextEncoder().encode(text);

function little(...numbers: readonly (readonly [value: number, bytes: 2 | 4])[]): number[] {
  return numbers.flatMap(([value, bytes]) => Array.from({ length: bytes }, (_, at) => (value >>> (8 * at)) & 255));
}

/** A zip of one deflated file that claims another size; its directory lists the file `times` over. */
function lyingZip(
  name: string,
  content: Uint8Array,
  { claims, times = 1 }: { claims: number; times?: number },
): Uint8Array {
  const packed = deflateSync(content);
  const sizes = little([0, 4], [packed.length, 4], [claims, 4], [name.length, 2], [0, 2]);
  const local = [...little([0x04034b50, 4], [20, 2], [0, 2], [8, 2], [0, 4]), ...sizes, ...letters(name), ...packed];
  const entry = [
    ...little([0x02014b50, 4], [20, 2], [20, 2], [0, 2], [8, 2], [0, 4]),
    ...sizes,
    ...little([0, 2], [0, 2], [0, 2], [0, 4], [0, 4]),
    ...letters(name),
  ];
  const directory = Array.from({ length: times }, () => entry).flat();
  const end = little([0x06054b50, 4], [0, 4], [times, 2], [times, 2], [directory.length, 4], [local.length, 4], [0, 2]);
  return new Uint8Array([...local, ...directory, ...end]);
}

describe('a zip', () => {
  const wanted = (name: string) => name === 'a';
  const bomb = new Uint8Array(3 * megabyte);

  it.each([
    ['says so', bomb.length, 1],
    ['lies about its size', 10, 1],
    ['lists the same bytes many times', bomb.length, 50],
  ])('is not unpacked beyond the bound when it %s', (_, claims, times) => {
    const zip = lyingZip('a', bomb, { claims, times });
    expect(zip.length).toBeLessThan(20_000);
    expect(() => readZip(zip, { wanted, maxBytes: megabyte })).toThrow(TooLarge);
  });

  it('is read once, however often its directory lists a file', () => {
    const zip = lyingZip('a', letters('text'), { claims: 4, times: 50 });
    expect([...readZip(zip, { wanted, maxBytes: 100 })]).toEqual([['a', letters('text')]]);
  });

  it('gives nothing that was not asked for, whatever its name leads to', () => {
    const zip = zipSync({ '../../a': letters('x'), '/a': letters('x'), a: letters('mine'), 'b/../a': letters('x') });
    expect([...readZip(zip, { wanted, maxBytes: 100 })]).toEqual([['a', letters('mine')]]);
  });

  it('is damaged when a file comes twice or does not end', () => {
    const one = zipSync({ a: letters('x') });
    expect(() => readZip(new Uint8Array([...one, ...one]), { wanted, maxBytes: 100 })).toThrow(DamagedZip);
    expect(() => readZip(one.slice(0, 32), { wanted, maxBytes: 100 })).toThrow(DamagedZip);
  });
});

describe('a collection', () => {
  it('with a column that is computed is refused before it computes', () => {
    const database = new sql.Database();
    for (const statement of [
      'CREATE TABLE col (models text)',
      'CREATE TABLE revlog (id, cid, ease, time, type)',
      'CREATE TABLE cards (id, nid, ord)',
      'CREATE TABLE notes (id, guid, mid, tags, flds AS (hex(zeroblob(9))))',
      "INSERT INTO notes (id, guid, mid, tags) VALUES (1, 'g', 1, '')",
    ])
      database.run(statement);
    const file = zipSync({ 'collection.anki2': database.export() });
    database.close();
    expect(() => readPackage(sql, file)).toThrow(/holds no notes/);
  });

  it('with a field of megabytes loses that note and keeps the others', () => {
    const database = new sql.Database();
    for (const statement of [
      'CREATE TABLE col (models text)',
      'CREATE TABLE revlog (id, cid, ease, time, type)',
      'CREATE TABLE cards (id, nid, ord)',
      'CREATE TABLE notes (id, guid, mid, tags, flds)',
      "INSERT INTO notes VALUES (1, 'g', 1, '', hex(zeroblob(150000)) || char(31) || 'b')",
      "INSERT INTO notes VALUES (2, 'h', 1, '', 'a' || char(31) || 'b')",
    ])
      database.run(statement);
    const file = zipSync({ 'collection.anki2': database.export() });
    database.close();
    const { notes, refused } = readPackage(sql, file);
    expect(notes.map(({ front, back }) => [front, back])).toEqual([['a', 'b']]);
    expect(refused).toEqual([{ where: 'note 1', reason: 'A field has more than 4000 letters.' }]);
  });
});

describe('text that was made to be slow', () => {
  // Each of these took from a second to minutes by backtracking; a bound of time would only measure the machine.
  it.each([
    ['open divisions', '<div '],
    ['open list items', '<li '],
    ['sounds', '[sound:'],
    ['scripts', '<script'],
    ['comments', '<!--'],
    ['gaps', '{{c1::'],
    ['closed gaps inside', '{{c1::}}'],
  ])('is read in one pass: %s', (_, part) => {
    const { notes, refused } = readAnkiText(`#html:true\n${part.repeat(25_000)}\tback\nfront\tback\n`);
    expect(notes.map(({ front }) => front)).toContain('front');
    expect(notes.length + refused.length).toBe(2);
  });

  it('reads a gap with its hint, and leaves an open one as it stands', () => {
    const read = (text: string) => readAnkiText(`${text}\tmore\n`).notes[0];
    expect(read('a {{c1::word::hint}} and {{c2::two}}')).toMatchObject({ front: 'a [word] and [two]', back: 'word' });
    expect(read('a {{c1::word and no end')).toMatchObject({ front: 'a {{c1::word and no end', back: 'more' });
  });

  it('is given up when it has too many rows, and wide rows are cut', () => {
    expect(() => readAnkiText('a\tb\n'.repeat(2 * megabyte))).toThrow(/more than 20000 cards/);
    expect(() => readCsv(`front,back\n${'a,b\n'.repeat(megabyte)}`)).toThrow(/more than 20000 cards/);
    expect(readCsv(`front,back\na,b${','.repeat(megabyte)}\n`).notes).toHaveLength(1);
  });
});

describe('what hides in a file', () => {
  it('changes no prototype', () => {
    const entries = `[{"kind":"settings","id":"s","change":{"__proto__":{"own":1}},"atMs":1},
      {"kind":"drill","id":"d","question":"q","marks":{"__proto__":2,"constructor":1},"seconds":1,"aloud":false,"atMs":1}]`;
    const head = '"format":"meshwork-backup","version":1,"__proto__":{"own":1}';
    const backup = readBackup(`{${head},"course":{"__proto__":{"own":1}},"entries":${entries}}`);
    const { settings } = openLibrary([], backup.entries);
    expect([({} as { own?: number }).own, (settings as { own?: number }).own]).toEqual([undefined, undefined]);
    expect(Object.getPrototypeOf(settings)).toBe(Object.prototype);
  });

  it('is refused when it comes from the future, where it would outlast everything', () => {
    const forget: LogEntry = { kind: 'forget', id: 'f', atMs: start + 1_000 * day };
    const content = { notes: [], entries: [forget, review('pod:meaning', start - day, 3)], refused: [] };
    const plan = planImport(content, openLibrary([], []), [], start);
    expect(plan.entries.map(({ kind }) => kind)).toEqual(['review']);
    expect(plan.refused).toEqual([{ where: '1 entry', reason: 'Dated in the future.' }]);
  });

  it('is counted when it takes something back', () => {
    const entries: LogEntry[] = [
      { kind: 'forget', id: 'f', atMs: start },
      { kind: 'undo', id: 'u', of: 'x', atMs: start },
      { kind: 'suspend', id: 's', card: 'pod:meaning', on: false, atMs: start },
      { kind: 'card', id: 'c', card: 'own:1', content: null, atMs: start },
    ];
    const plan = planImport({ notes: [], entries, refused: [] }, openLibrary([], []), [], start);
    expect([plan.entries.length, plan.takingBack]).toEqual([4, 3]);
  });

  it('turns no text around and is no formula in a review log', () => {
    const [note] = readCsv('front,back,note,code\na,b,\u202etxt.exe,\u2066x: 1\n').notes;
    expect(note).toMatchObject({ note: 'txt.exe', code: 'x: 1' });
    const log = [review('=cmd|calc', start, 3)];
    expect(writeReviewLog(log).split('\r\n')[1]).toMatch(/^'=cmd/);
    expect(readReviewLog(writeReviewLog(log)).entries).toMatchObject([{ card: '=cmd|calc' }]);
  });
});

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import initSqlJs, { type SqlJsStatic } from 'sql.js';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LogEntry, OwnCard } from '#contract';
import { readAnkiText, writeAnkiText } from '../../../src/islands/cards/exchange/anki-text.ts';
import { readPackage, writePackage } from '../../../src/islands/cards/exchange/apkg.ts';
import { readBackup, writeBackup } from '../../../src/islands/cards/exchange/backup.ts';
import { readCsv, writeCsv } from '../../../src/islands/cards/exchange/csv.ts';
import { readRows, writeRow } from '../../../src/islands/cards/exchange/delimited.ts';
import { htmlOfText, textOfHtml } from '../../../src/islands/cards/exchange/html.ts';
import { type FileContent, ImportError } from '../../../src/islands/cards/exchange/note.ts';
import { entriesOf, planImport } from '../../../src/islands/cards/exchange/plan-import.ts';
import { readReviewLog, writeReviewLog } from '../../../src/islands/cards/exchange/review-log.ts';
import { leaveForLab } from '../../../src/islands/cards/learner-calls.ts';
import { openLibrary } from '../../../src/islands/cards/library.ts';
import { foldLog } from '../../../src/islands/cards/schedule.ts';
import { storedDrafts } from '../../../src/lab-client/drafts.ts';
import { day, deck, entryId, history, memoriesOf, review, scheduler, start } from './support.ts';

let sql: SqlJsStatic;
beforeAll(async () => {
  const wasm = readFileSync(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'));
  sql = await initSqlJs({ wasmBinary: new Uint8Array(wasm).buffer });
});

const own = (id: string, content: Partial<OwnCard>): LogEntry => ({
  kind: 'card',
  id: entryId(),
  card: id,
  content: { front: 'Which port takes inbound traffic?', back: '15006', tags: ['ports'], ...content },
  atMs: start,
});
const log: LogEntry[] = [
  own('own:1', {}),
  own('own:2', { front: 'The [nonce] ties an answer to a push.', back: 'nonce', note: 'xDS', tags: [] }),
  own('own:3', { front: '<b>&amp; "quoted",\ttabs\nand lines</b>', back: '=1+1', code: 'a: [b]' }),
  ...history('pod:meaning', start - 20 * day, [3, 3, 1, 3]),
  ...history('own:1', start - 5 * day, [3, 3]),
];
const library = openLibrary(deck, log);
const stranger = openLibrary([], []);

/** What another person's empty library would take from the file. */
const planOf = (content: FileContent) => planImport(content, library, log);

describe.each([
  ['CSV', () => readCsv(writeCsv(library.cards))],
  ['Anki text', () => readAnkiText(writeAnkiText(library.cards))],
] as const)('%s', (_, roundTrip) => {
  it('brings every card back as it was', () => {
    const content = roundTrip();
    expect(content.refused).toEqual([]);
    expect(content.notes).toHaveLength(library.cards.length);
    expect(planOf(content)).toMatchObject({ fresh: [], changed: [], same: library.cards.length });
  });

  it('makes own cards of somebody else’s', () => {
    const plan = planImport(roundTrip(), stranger, []);
    expect(plan.fresh).toHaveLength(library.cards.length);
    const entries = entriesOf(plan, 'keep mine').map((entry) => ({ ...entry, id: entryId(), atMs: start }) as LogEntry);
    const taken = openLibrary([], entries);
    expect(taken.cards.find(({ answer }) => answer === '15006')?.ask[0]?.text).toBe(
      'Which port takes inbound traffic?',
    );
    // The same file again changes nothing.
    expect(planImport(roundTrip(), taken, entries).fresh).toEqual([]);
  });
});

describe('delimited text', () => {
  it('reads back whatever it writes', () => {
    const rows = fc.array(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 5 }), { minLength: 1 });
    fc.assert(
      fc.property(rows, fc.constantFrom(',', '\t', ';'), (cells, separator) => {
        const text = cells.map((row) => writeRow(row, separator)).join('\r\n');
        expect(readRows(text, separator)).toEqual(cells);
      }),
    );
  });

  it('writes no cell that a spreadsheet would compute', () => {
    const evil = openLibrary([], [own('own:x', { front: '=HYPERLINK("http://evil.example")', back: '@SUM(1)' })]);
    const [, row = ''] = writeCsv(evil.cards).split('\r\n');
    expect(readRows(row, ',')[0]?.slice(1, 3)).toEqual([`'=HYPERLINK("http://evil.example")`, "'@SUM(1)"]);
    expect(readCsv(writeCsv(evil.cards)).notes[0]).toMatchObject({ front: '=HYPERLINK("http://evil.example")' });
  });

  it('reads a list that was pasted: a term, a tab, its meaning', () => {
    expect(
      readAnkiText('pod\tsmallest unit\nmesh\tmany proxies\n').notes.map(({ front, back }) => [front, back]),
    ).toEqual([
      ['pod', 'smallest unit'],
      ['mesh', 'many proxies'],
    ]);
  });

  it('reads Anki’s head lines: separator, HTML, tags for all', () => {
    const text = '#separator:Pipe\n#html:true\n#tags:net\n#tags column:3\n<b>A</b>|x &lt; y|one two\n';
    expect(readAnkiText(text).notes).toEqual([{ key: '', front: 'A', back: 'x < y', tags: ['one', 'two', 'net'] }]);
  });

  it('says what is wrong with a row, and reads the others', () => {
    const content = readCsv(`front,back\nok,fine\n,nothing\n${'x'.repeat(5_000)},y\n`);
    expect(content.notes).toHaveLength(1);
    expect(content.refused).toEqual([
      { where: 'row 3', reason: 'The question is empty.' },
      { where: 'row 4', reason: 'A field has more than 4000 letters.' },
    ]);
  });

  it.each([
    ['no head', () => readCsv('a,b\nc,d\n'), /first row must name the columns/],
    ['one column', () => readAnkiText('only\nwords\n'), /Put a tab between them/],
    ['nothing', () => readAnkiText(''), /has no cards/],
    ['too many rows', () => readAnkiText('a\tb\n'.repeat(20_001)), /more than 20000 cards/],
  ])('refuses a file with %s in words', (_, read, words) => {
    expect(read).toThrow(ImportError);
    expect(read).toThrow(words);
  });
});

describe('HTML of others', () => {
  it.each([
    ['<script>alert(1)</script>pod', 'pod'],
    ['<img src=x onerror=alert(1)>pod', 'pod'],
    ['<style>body{}</style><div>a</div><div>b</div>', 'a\n\nb'],
    ['a<br>b &amp; c&#33;', 'a\nb & c!'],
    ['<scr<script>ipt>alert(1)</script>', ''],
    ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
    ['<svg/onload=alert(1)>', ''],
    ['unclosed <b onclick="', 'unclosed'],
    ['[sound:x.mp3]hear', 'hear'],
  ])('%s becomes %s', (html, text) => {
    expect(textOfHtml(html).replace(/\n+/g, '\n')).toBe(text.replace(/\n+/g, '\n'));
  });

  it('gives back any text that was written as HTML', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const plain = text
          .replace(/\[sound:[^\]]*\]/g, '')
          .replace(/\n{3,}/g, '\n\n')
          .trim();
        expect(textOfHtml(htmlOfText(plain))).toBe(plain);
      }),
    );
  });
});

describe('the review log', () => {
  it('brings the same memory to another browser', () => {
    const { entries, refused } = readReviewLog(writeReviewLog(log));
    expect(refused).toEqual([]);
    expect(foldLog(entries, scheduler)).toEqual(memoriesOf(log));
  });

  it('adds nothing when it is read twice, or when the reviews are known already', () => {
    const content = readReviewLog(writeReviewLog(log));
    expect(planOf(content).entries).toEqual([]);
    expect(planImport(content, stranger, content.entries).entries).toEqual([]);
    expect(planImport(content, stranger, []).entries).toHaveLength(6);
  });

  it('refuses grades and times that are none', () => {
    const head = 'card_id,review_time,review_rating,review_state,review_duration';
    const { entries, refused } = readReviewLog(`${head}\na,1700000000000,3,2,1\na,1700000000000,7,2,1\na,soon,3,2,1\n`);
    expect([entries.length, refused.map(({ where }) => where)]).toEqual([1, ['row 3', 'row 4']]);
  });
});

describe('the backup', () => {
  it('holds everything, and reads back equal', () => {
    const course = { answers: { a: 1 }, forecasts: {}, texts: { 'words-1': 'Mine.' }, marks: { draw: [2, 1] } };
    const labs = [{ lab: 'canary', files: [{ file: 'routes.yaml', text: 'kind: VirtualService' }] }];
    const backup = readBackup(writeBackup({ log, course, labs, nowMs: start }));
    expect(backup).toEqual({ notes: [], entries: log, refused: [], course, labs });
  });

  it('leaves the files of a lab where its page looks for drafts', () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    const files = [{ file: 'routes.yaml', text: 'kind: VirtualService' }];
    leaveForLab(storage, { lab: 'canary', files });
    expect(storedDrafts(storage).read('canary')).toEqual(files);
  });

  it('refuses entries that are none, one by one', () => {
    const bad = [...log, { kind: 'exec', id: 'x' }, { ...review('a', start, 3), rating: 5 }];
    const { entries, refused } = readBackup(
      writeBackup({ log: bad as LogEntry[], course: null, labs: [], nowMs: start }),
    );
    expect([entries.length, refused.length]).toEqual([log.length, 2]);
  });

  it('takes no answers and no files that the pages could not have written', () => {
    const text = JSON.stringify({
      format: 'meshwork-backup',
      version: 1,
      entries: [],
      course: { texts: { a: { toString: 'x' } } },
      labs: [
        { lab: '../../etc', files: [] },
        { lab: 'canary', files: [{ file: 'a.yaml', text: 7 }] },
      ],
    });
    const { course, labs, refused } = readBackup(text);
    expect({ course, labs }).toEqual({ course: undefined, labs: [] });
    expect(refused.map(({ where }) => where)).toEqual(['answers of the course', 'lab 1', 'lab 2']);
  });

  it.each([
    ['{"format":"meshwork-backup"', /may be cut off/],
    ['{"format":"else","entries":[]}', /not a backup/],
    ['{"format":"meshwork-backup","version":9,"entries":[]}', /version 9/],
    ['[]', /not a backup/],
  ])('refuses %s in words', (text, words) => {
    expect(() => readBackup(text)).toThrow(words);
  });
});

describe('an Anki package', () => {
  const write = () => writePackage(sql, { library, memories: memoriesOf(log), log, nowMs: start });

  it('has the tables of schema 11 and one note, one card for each card', async () => {
    const { unzipSync } = await import('fflate');
    const files = unzipSync(await write());
    expect(Object.keys(files).toSorted()).toEqual(['collection.anki2', 'media']);
    const database = new sql.Database(files['collection.anki2']);
    const one = (query: string) => database.exec(query)[0]?.values;
    expect(one("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")).toEqual(
      ['cards', 'col', 'graves', 'notes', 'revlog'].map((name) => [name]),
    );
    expect(one('SELECT ver, usn FROM col')).toEqual([[11, 0]]);
    const count = library.cards.length;
    expect(one('SELECT count(*), count(DISTINCT guid), count(DISTINCT id) FROM notes')).toEqual([
      [count, count, count],
    ]);
    expect(one('SELECT count(*) FROM cards JOIN notes ON notes.id = cards.nid')).toEqual([[count]]);
    expect(one('SELECT count(*) FROM revlog')).toEqual([[6]]);
    expect(one('PRAGMA integrity_check')).toEqual([['ok']]);
    const [[models = ''] = []] = one('SELECT models FROM col') ?? [];
    const modelIds = Object.keys(JSON.parse(String(models)));
    expect(one('SELECT DISTINCT mid FROM notes ORDER BY mid')?.map(([mid]) => String(mid))).toEqual(
      modelIds.toSorted(),
    );
    database.close();
  });

  it('brings cards and reviews back equal', async () => {
    const content = readPackage(sql, await write());
    expect(content.refused).toEqual([]);
    expect(planOf(content)).toMatchObject({ fresh: [], changed: [], same: library.cards.length, entries: [] });
    const reviews = content.entries.filter((entry) => entry.kind === 'review');
    expect(foldLog(reviews, scheduler)).toEqual(memoriesOf(log));
  });

  const packageOf = (statements: readonly string[], name = 'collection.anki2') => {
    const database = new sql.Database();
    for (const statement of statements) database.run(statement);
    const file = zipSync({ [name]: database.export(), media: new TextEncoder().encode('{}') });
    database.close();
    return file;
  };
  const tables = [
    'CREATE TABLE col (models text)',
    'CREATE TABLE revlog (id, cid, ease, time, type)',
    'CREATE TABLE cards (id, nid, ord)',
  ];

  it('reads packages of other people: fields by name, HTML as text', () => {
    const models = JSON.stringify({
      7: {
        flds: [
          { name: 'Extra', ord: 0 },
          { name: 'Back', ord: 2 },
          { name: 'Front', ord: 1 },
        ],
      },
    });
    const file = packageOf([
      ...tables,
      `INSERT INTO col VALUES ('${models}')`,
      'CREATE TABLE notes (id, guid, mid, tags, flds)',
      `INSERT INTO notes VALUES (1, 'g', 7, ' a b ', 'see <i>x</i>' || char(31) || '<b>ACK</b><img src="a.png">' || char(31) || 'yes')`,
    ]);
    const { notes, refused } = readPackage(sql, file);
    expect(notes).toEqual([{ key: 'g', front: 'ACK', back: 'yes', note: 'see x', tags: ['a', 'b'] }]);
    expect(refused[0]?.reason).toMatch(/Pictures and sounds are left out/);
  });

  it.each([
    ['text', () => new TextEncoder().encode('front,back\n'), /not an Anki package/],
    ['an empty zip', () => zipSync({ media: new Uint8Array() }), /holds no Anki collection/],
    [
      'a collection that is no database',
      () => zipSync({ 'collection.anki2': new Uint8Array(200) }),
      /not a SQLite file/,
    ],
    [
      'the newest format',
      () => zipSync({ 'collection.anki21b': new Uint8Array(9), 'collection.anki2': new Uint8Array(9) }),
      /Support older Anki versions/,
    ],
    [
      'a view that never ends',
      () =>
        packageOf([
          ...tables,
          'CREATE VIEW notes AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, i AS guid, 1 AS mid, 1 AS tags, i AS flds FROM n',
        ]),
      /holds no notes/,
    ],
    ['no notes table', () => packageOf(tables), /holds no notes/],
  ])('refuses %s in words', (_, file, words) => {
    expect(() => readPackage(sql, file())).toThrow(ImportError);
    expect(() => readPackage(sql, file())).toThrow(words);
  });

  it('refuses a package that is cut anywhere, or has a byte changed, or reads it: it never breaks', async () => {
    const whole = packageOf([
      ...tables,
      "INSERT INTO col VALUES ('{}')",
      'CREATE TABLE notes (id, guid, mid, tags, flds)',
      "INSERT INTO notes VALUES (1, 'g', 7, '', 'a' || char(31) || 'b')",
    ]);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const file = cut ? whole.slice(0, at) : whole.slice();
        if (!cut) file[at] = byte;
        try {
          readPackage(sql, file);
        } catch (error) {
          expect(error).toBeInstanceOf(ImportError);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('an import', () => {
  it('keeps my words or takes theirs, as I choose', () => {
    const content = readCsv('id,front,back\npod:meaning,What is a pod?,a small thing\n');
    const plan = planOf(content);
    expect(plan).toMatchObject({ fresh: [], changed: [{ card: 'pod:meaning' }], same: 0 });
    expect(entriesOf(plan, 'keep mine')).toEqual([]);
    expect(entriesOf(plan, 'take theirs')).toMatchObject([{ kind: 'card', card: 'pod:meaning' }]);
  });

  it('finds a card by its question where the file has no ids', () => {
    const plan = planOf(readCsv('front,back\nWHICH port takes  inbound traffic?,15006\n'));
    expect(plan).toMatchObject({ fresh: [], changed: [{ card: 'own:1' }] });
  });
});

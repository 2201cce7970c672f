import { strFromU8, zipSync } from 'fflate';
import type { Database, SqlJsStatic, SqlValue } from 'sql.js';
import type { LogEntry } from '#contract';
import type { Library } from '../library.ts';
import { dayMs, studyDayStart } from '../queue.ts';
import { effectiveReviews, type Memory } from '../schedule.ts';
import { collectionRow, deckIds, modelIds, schema } from './anki-schema.ts';
import { type AnkiNote, ankiNoteOf, noteOfAnki } from './anki-text.ts';
import { hasMedia, textOfHtml } from './html.ts';
import { checkNotes, type FileContent, ImportError, maxNotes, maxRawLetters } from './note.ts';
import { maxReviews, reviewEntry } from './review-log.ts';
import { DamagedZip, readZip, TooLarge } from './zip.ts';

export interface PackageInput {
  readonly library: Library;
  readonly memories: ReadonlyMap<string, Memory>;
  readonly log: readonly LogEntry[];
  readonly nowMs: number;
}

/** The cards, their schedule and every review as an Anki package (schema 11, which every Anki since 2.1 opens). */
export async function writePackage(sql: SqlJsStatic, input: PackageInput): Promise<Uint8Array> {
  const database = new sql.Database();
  try {
    for (const statement of schema) database.run(statement);
    const notes = input.library.cards.map((card) => ({ card, note: ankiNoteOf(card) }));
    const decks = deckIds(notes.map(({ note }) => note.deck));
    const crtMs = studyDayStart(input.nowMs);
    database.run(
      'INSERT INTO col VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)',
      collectionRow({ decks, crtMs, nowMs: input.nowMs }),
    );
    const cardIds = new Map<string, number>();
    for (const [index, { card, note }] of notes.entries()) {
      const id = input.nowMs + index;
      cardIds.set(card.id, id);
      database.run('INSERT INTO notes VALUES (?,?,?,?,-1,?,?,?,?,0,?)', await noteRow(id, note, input.nowMs));
      const memory = input.memories.get(card.id);
      const row = cardRow({ memory, position: index + 1, crtMs, suspended: input.library.suspended.has(card.id) });
      database.run('INSERT INTO cards VALUES (?,?,?,0,?,-1,?,?,?,?,?,?,?,0,0,0,0,?)', [
        id,
        id,
        decks.get(note.deck) ?? 1,
        Math.floor(input.nowMs / 1000),
        ...row,
      ]);
    }
    writeReviews(database, input.log, cardIds);
    return zipSync({ 'collection.anki2': database.export(), media: new TextEncoder().encode('{}') });
  } finally {
    database.close();
  }
}

async function noteRow(id: number, note: AnkiNote, nowMs: number): Promise<SqlValue[]> {
  const first = textOfHtml(note.fields[0]);
  const tags = note.tags.length > 0 ? ` ${note.tags.join(' ')} ` : '';
  return [
    id,
    note.guid,
    modelIds[note.type],
    Math.floor(nowMs / 1000),
    tags,
    note.fields.join('\u001f'),
    first,
    await checksum(first),
    '',
  ];
}

/** Anki finds duplicates by the first 32 bits of the SHA-1 of the first field. */
async function checksum(text: string): Promise<number> {
  if (!globalThis.crypto?.subtle) return 0;
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
  return new DataView(digest).getUint32(0);
}

/** type, queue, due, ivl, factor, reps, lapses, data. A day's number counts from the collection's first day. */
function cardRow(input: {
  memory: Memory | undefined;
  position: number;
  crtMs: number;
  suspended: boolean;
}): SqlValue[] {
  const { memory, suspended } = input;
  if (!memory) return [0, suspended ? -1 : 0, input.position, 0, 0, 0, 0, ''];
  const lastMs = memory.last_review?.getTime() ?? input.crtMs;
  const data = JSON.stringify({
    s: rounded(memory.stability),
    d: rounded(memory.difficulty),
    lrt: Math.floor(lastMs / 1000),
  });
  const known = memory.scheduled_days >= 1;
  const due = known
    ? Math.floor((memory.due.getTime() - input.crtMs) / dayMs)
    : Math.floor(memory.due.getTime() / 1000);
  const type = known ? 2 : memory.state === 3 ? 3 : 1;
  const queue = suspended ? -1 : known ? 2 : 1;
  return [type, queue, due, memory.scheduled_days, 2500, memory.reps, memory.lapses, data];
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

function writeReviews(database: Database, log: readonly LogEntry[], cardIds: ReadonlyMap<string, number>): void {
  const insert = database.prepare('INSERT INTO revlog VALUES (?,?,-1,?,?,?,?,?,?)');
  let last = 0;
  for (const { card, atMs, rating, scheduledDays, durationMs, before } of effectiveReviews(log)) {
    const cardId = cardIds.get(card);
    if (cardId === undefined) continue;
    // The id is the moment, and no two reviews share one.
    last = Math.max(last + 1, atMs);
    const type = before.state === 2 ? 1 : before.state === 3 ? 2 : 0;
    insert.run([last, cardId, rating, scheduledDays, 0, 2500, Math.min(60_000, Math.round(durationMs)), type]);
  }
  insert.free();
}

const maxUnzippedBytes = 96 * 1_048_576;
const collections = ['collection.anki21', 'collection.anki2'];

/** Notes and reviews of an Anki package. Media are left out; packages of the newest format say how to export an older one. */
export function readPackage(sql: SqlJsStatic, file: Uint8Array): FileContent {
  const bytes = collectionOf(file);
  const database = openCollection(sql, bytes);
  try {
    const names = fieldNames(database);
    // What is too long is cut to a length that is refused.
    const rows = select(
      database,
      `SELECT guid, mid, substr(tags, 1, 2000), substr(flds, 1, ${2 * maxRawLetters}) FROM notes LIMIT ${maxNotes + 1}`,
    ).map(([guid, mid, tags, flds], index) => ({
      where: `note ${index + 1}`,
      fields: String(flds).split('\u001f'),
      ...{ guid, mid, tags },
    }));
    const content = checkNotes(rows, ({ fields, guid, mid, tags }) =>
      noteOfAnki({
        key: String(guid),
        fields: ordered(fields, names.get(Number(mid))),
        tags: String(tags).split(/\s+/).filter(Boolean),
        html: true,
      }),
    );
    const withMedia = rows.filter(({ fields }) => fields.some(hasMedia)).length;
    const lost = { where: `${withMedia} cards`, reason: 'Pictures and sounds are left out; the text is read.' };
    return {
      ...content,
      entries: reviewsOf(database),
      refused: [...content.refused, ...(withMedia > 0 ? [lost] : [])],
    };
  } catch (cause) {
    if (cause instanceof ImportError) throw cause;
    throw new ImportError('The collection in the package is damaged.', { cause });
  } finally {
    database.close();
  }
}

function collectionOf(file: Uint8Array): Uint8Array {
  let found: ReadonlyMap<string, Uint8Array>;
  let newest = false;
  try {
    found = readZip(file, {
      maxBytes: maxUnzippedBytes,
      wanted: (name) => {
        newest ||= name === 'collection.anki21b';
        return collections.includes(name);
      },
    });
  } catch (cause) {
    if (cause instanceof TooLarge)
      throw new ImportError('The collection in the package is larger than 96 MB.', { cause });
    if (cause instanceof DamagedZip)
      throw new ImportError('The file is not an Anki package, or it is damaged.', { cause });
    throw cause;
  }
  const bytes = newest ? undefined : collections.map((name) => found.get(name)).find((entry) => entry !== undefined);
  if (!bytes && newest)
    throw new ImportError(
      'Export again from Anki with the box "Support older Anki versions" ticked, and choose that file.',
    );
  if (!bytes) throw new ImportError('The file is a zip, but it holds no Anki collection.');
  if (strFromU8(bytes.subarray(0, 15)) !== 'SQLite format 3')
    throw new ImportError('The collection is not a SQLite file.');
  return bytes;
}

/** Opens the collection and makes sure that what is read are plain tables: a view, or a column that is computed, could compute for ever. */
function openCollection(sql: SqlJsStatic, bytes: Uint8Array): Database {
  const database = new sql.Database(bytes);
  try {
    const objects = select(database, 'SELECT name, type, sql FROM sqlite_master LIMIT 1000');
    const plain = (wanted: string) =>
      objects.some(
        ([name, type, text]) => name === wanted && type === 'table' && !/^\s*create\s+virtual/i.test(String(text)),
      ) && select(database, `SELECT 1 FROM pragma_table_xinfo('${wanted}') WHERE hidden > 0`).length === 0;
    if (!['notes', 'col', 'revlog', 'cards'].every(plain)) throw new ImportError('The package holds no notes.');
    return database;
  } catch (cause) {
    database.close();
    throw cause instanceof ImportError
      ? cause
      : new ImportError('The collection in the package is damaged.', { cause });
  }
}

function select(database: Database, query: string): SqlValue[][] {
  return database.exec(query)[0]?.values ?? [];
}

/** Field names of each note type, in order. */
function fieldNames(database: Database): Map<number, readonly string[]> {
  const [[models = '{}'] = []] = select(database, 'SELECT models FROM col LIMIT 1');
  try {
    const parsed = (JSON.parse(String(models)) ?? {}) as Record<string, { flds?: { name?: unknown; ord?: number }[] }>;
    return new Map(
      Object.entries(parsed).map(([id, { flds = [] }]) => [
        Number(id),
        flds.toSorted((a, b) => (a.ord ?? 0) - (b.ord ?? 0)).map(({ name }) => String(name)),
      ]),
    );
  } catch (error) {
    console.info('The note types of the package cannot be read; fields are taken in their order.', error);
    return new Map();
  }
}

/** Question and answer first, by the names of the fields where they tell. */
function ordered(fields: readonly string[], names: readonly string[] | undefined): string[] {
  const lower = names?.map((name) => name.toLowerCase()) ?? [];
  const place = (wanted: readonly string[]) => lower.indexOf(wanted.find((name) => lower.includes(name)) ?? '-');
  const front = place(['front', 'text', 'question', 'term', 'word']);
  const back = place(['back', 'answer', 'definition', 'meaning', 'back extra', 'extra']);
  if (front < 0 || back < 0) return [...fields];
  const rest = fields.filter((_, index) => index !== front && index !== back);
  return [fields[front] ?? '', fields[back] ?? '', ...rest];
}

/** Reviews, by the GUID of the note whose card it was; cards beyond a note's first are left out. */
function reviewsOf(database: Database): LogEntry[] {
  const rows = select(
    database,
    `SELECT notes.guid, revlog.id, revlog.ease, revlog.time, revlog.type FROM revlog
     JOIN cards ON cards.id = revlog.cid JOIN notes ON notes.id = cards.nid
     WHERE cards.ord = 0 AND revlog.ease BETWEEN 1 AND 4 ORDER BY revlog.id LIMIT ${maxReviews}`,
  );
  const states = [0, 2, 3, 2];
  return rows.flatMap(([guid, id, ease, time, type]) => {
    const more = { state: states[Number(type)] ?? 2, durationMs: Number(time) };
    const entry = reviewEntry(String(guid), Number(id), Number(ease), more);
    return typeof entry === 'string' ? [] : [entry];
  });
}

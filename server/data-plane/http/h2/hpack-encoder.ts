import { writeText as writeLatin1 } from '../h1/bytes.ts';
import { ENTRY_OVERHEAD, STATIC_ENTRIES, STATIC_TABLE } from './static-table.ts';

/** The table that this side uses, even where the peer would allow a larger one. */
const MAX_TABLE_BYTES = 4096;
/** Names that are remembered; beyond it those that nothing refers to are forgotten. */
const MAX_NAMES = 256;
/** Values of one name that were seen once and wait for their second sighting. */
const CANDIDATES = 4;
/** A value that would push out half the table is not worth an entry. */
const MAX_INDEXED_BYTES = MAX_TABLE_BYTES / 2;
/** Shorter texts are copied byte by byte, which beats a call into the runtime. */
const SHORT = 24;
/** Bytes that an integer takes at most. */
const INTEGER_BYTES = 6;

/** Different in every request, so that the entry of a value would never be used again. */
const NEVER_REPEATED: ReadonlySet<string> = new Set([
  'x-request-id',
  'traceparent',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'b3',
  'content-length',
]);

/** Secrets: no table of any hop keeps them (RFC 7541 §7.1.3). */
const SENSITIVE: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie']);

/** One name that was written, and its values in the tables. */
interface NameEntry {
  readonly name: string;
  /** 0: not in the static table. */
  readonly staticIndex: number;
  readonly rule: 'index' | 'plain' | 'never';
  /** Place of the newest dynamic entry with this name, counted from the connection's first; −1: none. */
  newest: number;
  /** The value written last that has an index: compared before the map is asked. */
  value: string;
  /** Of `value`: below 0 the negative static index, else the place in the dynamic table. */
  place: number;
  /** Values by place; made with the first. */
  places: Map<string, number> | undefined;
  readonly candidates: string[];
  nextCandidate: number;
}

interface Inserted {
  readonly entry: NameEntry;
  readonly value: string;
  readonly bytes: number;
}

const NOTHING = '\u0000';

/**
 * Writes header blocks (RFC 7541), without Huffman codes: on a loopback or a local network they cost more than they save. A value gets an
 * entry when it is seen for the second time. One instance serves a whole connection.
 */
export class HpackEncoder {
  readonly #names = new Map<string, NameEntry>();
  /** The names of the block before by their places: blocks of one connection are much alike, and to compare is cheaper than to look up. */
  #row: NameEntry[] = [];
  #column = 0;
  /** Dynamic entries, oldest first, from place `#first` on. */
  #inserted: Inserted[] = [];
  #base = 0;
  #first = 0;
  #tableBytes = 0;
  #tableLimit = MAX_TABLE_BYTES;
  /** The smallest limit since the last block, and whether the peer must be told. */
  #smallestLimit = MAX_TABLE_BYTES;
  #limitChanged = false;

  constructor() {
    for (let index = 1; index <= STATIC_ENTRIES; index++) {
      const value = STATIC_TABLE[index * 2 - 1]!;
      const entry = this.#nameOf(STATIC_TABLE[index * 2 - 2]!, index);
      if (value === '') continue;
      entry.places ??= new Map();
      entry.places.set(value, -index);
    }
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setPeerLimit(bytes: number): void {
    const limit = Math.min(bytes, MAX_TABLE_BYTES);
    this.#smallestLimit = Math.min(this.#smallestLimit, limit);
    this.#limitChanged = this.#limitChanged || limit !== this.#tableLimit;
    this.#tableLimit = limit;
    this.#evict(limit);
  }

  /** Bytes that a field takes at most. */
  static sizeOf(name: string, value: string): number {
    return name.length + value.length + 3 * INTEGER_BYTES;
  }

  /** Begins a block; returns where its fields begin. At most 2 × INTEGER_BYTES are written. */
  begin(out: Buffer, start: number): number {
    this.#column = 0;
    if (!this.#limitChanged) return start;
    let at = start;
    this.#limitChanged = false;
    if (this.#smallestLimit < this.#tableLimit) at = writeInteger(out, at, 0x20, 0x1f, this.#smallestLimit);
    this.#smallestLimit = this.#tableLimit;
    return writeInteger(out, at, 0x20, 0x1f, this.#tableLimit);
  }

  /** Writes one field and returns where the next begins. There must be room for `sizeOf`. */
  field(out: Buffer, at: number, name: string, value: string): number {
    const entry = this.#entryOf(name);
    if (entry.rule !== 'index') return this.#unrepeated(out, at, entry, value);
    if (entry.value === value && (entry.place < 0 || entry.place >= this.#first))
      return this.#indexed(out, at, entry.place);
    const place = entry.places?.get(value);
    if (place !== undefined) {
      entry.value = value;
      entry.place = place;
      return this.#indexed(out, at, place);
    }
    const worth = this.#isWorthAnEntry(entry, value);
    const end = this.#literal(out, at, entry, value, worth ? 0x40 : 0, worth ? 0x3f : 0x0f);
    if (worth) this.#insert(entry, value);
    return end;
  }

  /**
   * A value that no table is asked for: to look a new text up in a map makes V8 keep it in its table of all texts, which costs more than all
   * the rest of a field.
   */
  #unrepeated(out: Buffer, at: number, entry: NameEntry, value: string): number {
    if (entry.rule === 'never') return this.#literal(out, at, entry, value, 0x10, 0x0f);
    if (!this.#lacksIndex(entry, value)) return this.#literal(out, at, entry, value, 0, 0x0f);
    const end = this.#literal(out, at, entry, value, 0x40, 0x3f);
    this.#insert(entry, value);
    return end;
  }

  #entryOf(name: string): NameEntry {
    const column = this.#column++;
    const before = this.#row[column];
    if (before !== undefined && before.name === name) return before;
    const entry = this.#names.get(name) ?? this.#nameOf(name, 0);
    if (column < MAX_NAMES) this.#row[column] = entry;
    return entry;
  }

  #indexed(out: Buffer, at: number, place: number): number {
    return writeInteger(out, at, 0x80, 0x7f, place < 0 ? -place : this.#indexOf(place));
  }

  #literal(out: Buffer, start: number, entry: NameEntry, value: string, pattern: number, mask: number): number {
    const dynamic = entry.newest >= this.#first ? this.#indexOf(entry.newest) : 0;
    const nameIndex = entry.staticIndex > 0 ? entry.staticIndex : dynamic;
    let at = writeInteger(out, start, pattern, mask, nameIndex);
    if (nameIndex === 0) at = writeText(out, at, entry.name);
    return writeText(out, at, value);
  }

  #indexOf(place: number): number {
    return STATIC_ENTRIES + this.#base + this.#inserted.length - place;
  }

  /** The name of values that differ in every request gets an index with one of them. */
  #lacksIndex(entry: NameEntry, value: string): boolean {
    if (entry.staticIndex > 0 || entry.newest >= this.#first) return false;
    return this.#fits(entry, value);
  }

  #fits({ name }: NameEntry, value: string): boolean {
    return name.length + value.length <= MAX_INDEXED_BYTES && this.#tableLimit >= MAX_INDEXED_BYTES;
  }

  /** True at the second sighting of a value. */
  #isWorthAnEntry(entry: NameEntry, value: string): boolean {
    if (!this.#fits(entry, value)) return false;
    if (entry.candidates.includes(value)) return true;
    entry.candidates[entry.nextCandidate] = value;
    entry.nextCandidate = (entry.nextCandidate + 1) % CANDIDATES;
    return false;
  }

  #insert(entry: NameEntry, value: string): void {
    const bytes = entry.name.length + value.length + ENTRY_OVERHEAD;
    this.#evict(this.#tableLimit - bytes);
    const place = this.#base + this.#inserted.length;
    this.#inserted.push({ entry, value, bytes });
    this.#tableBytes += bytes;
    entry.newest = place;
    entry.value = value;
    entry.place = place;
    entry.places ??= new Map();
    entry.places.set(value, place);
    entry.candidates.length = 0;
    entry.nextCandidate = 0;
  }

  #evict(room: number): void {
    while (this.#tableBytes > room && this.#first < this.#base + this.#inserted.length) {
      const { entry, value, bytes } = this.#inserted[this.#first - this.#base]!;
      this.#tableBytes -= bytes;
      if (entry.places?.get(value) === this.#first) entry.places.delete(value);
      this.#first++;
    }
    // The front is cut off in one piece, now and then.
    if (this.#first - this.#base > MAX_NAMES) {
      this.#inserted = this.#inserted.slice(this.#first - this.#base);
      this.#base = this.#first;
    }
  }

  #nameOf(name: string, staticIndex: number): NameEntry {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_NAMES) this.#forgetUnused();
    const rule = SENSITIVE.has(name) ? 'never' : NEVER_REPEATED.has(name) ? 'plain' : 'index';
    const entry: NameEntry = {
      name,
      staticIndex,
      rule,
      newest: -1,
      value: NOTHING,
      place: -1,
      places: undefined,
      candidates: [],
      nextCandidate: 0,
    };
    this.#names.set(name, entry);
    return entry;
  }

  #forgetUnused(): void {
    this.#row = [];
    for (const [name, { newest, staticIndex }] of this.#names) {
      if (staticIndex === 0 && newest < this.#first) this.#names.delete(name);
    }
  }
}

/** An integer behind the bits of `pattern`, in the bits of `mask` (RFC 7541 §5.1). */
function writeInteger(out: Buffer, start: number, pattern: number, mask: number, value: number): number {
  let at = start;
  if (value < mask) {
    out[at++] = pattern | value;
    return at;
  }
  out[at++] = pattern | mask;
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) out[at++] = 0x80 | (rest & 0x7f);
  out[at++] = rest;
  return at;
}

/** A text of latin1 characters with its length before it. */
function writeText(out: Buffer, start: number, text: string): number {
  const { length } = text;
  const at = writeInteger(out, start, 0, 0x7f, length);
  if (length > SHORT) {
    writeLatin1(out, text, at);
    return at + length;
  }
  for (let i = 0; i < length; i++) out[at + i] = text.charCodeAt(i);
  return at + length;
}

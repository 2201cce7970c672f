import { IS_VALUE, LOWER_TOKEN, textOf } from '../h1/bytes.ts';
import { KNOWN_NAMES } from '../h1/header-names.ts';
import { decodeHuffman } from './huffman.ts';
import { ENTRY_OVERHEAD, STATIC_ENTRIES, STATIC_TABLE } from './static-table.ts';

const COLON = 0x3a;
const NOTHING: Buffer = Buffer.alloc(0);
/** Continuation bytes of an integer that are read; nobody needs more than 2^32. */
const MAX_INTEGER_BYTES = 5;

/** One string for each usual name, so that comparing names later compares pointers. */
const KNOWN: ReadonlyMap<string, string> = new Map(KNOWN_NAMES.map((name) => [name, name]));

/** Thrown inside this file only: the block does not follow RFC 7541, so that the table is lost with it. */
class BadBlock extends Error {}

/** One entry of the dynamic table. */
interface Entry {
  readonly name: string;
  readonly value: string;
  readonly valid: boolean;
}

/** Reads header blocks (RFC 7541). One instance serves a whole connection, because the blocks build on each other. */
export class HpackDecoder {
  /** Names and values of the block read last, in turn. Kept only up to the limit of a header list. */
  fields: string[] = [];
  /** A name or a value of that block holds characters that HTTP forbids, or upper case. */
  malformed = false;
  /** That block is longer than the limit: it was read for the table's sake, and `fields` is not complete. */
  tooLarge = false;
  /** Likewise: it has more fields than the limit. */
  tooMany = false;

  readonly #maxListBytes: number;
  readonly #maxFields: number;
  readonly #maxTableBytes: number;
  /** Newest last; `#first` counts those that are gone at the front. */
  #entries: Entry[] = [];
  #first = 0;
  #tableBytes = 0;
  #tableLimit: number;
  #listBytes = 0;
  #bytes = NOTHING;
  #at = 0;
  #end = 0;
  #textValid = true;

  constructor(options: {
    readonly maxListBytes: number;
    readonly maxFields: number;
    /** SETTINGS_HEADER_TABLE_SIZE of this side. */
    readonly maxTableBytes: number;
  }) {
    this.#maxListBytes = options.maxListBytes;
    this.#maxFields = options.maxFields;
    this.#maxTableBytes = options.maxTableBytes;
    this.#tableLimit = options.maxTableBytes;
  }

  /** Reads one whole block. False: the block is broken and the connection cannot go on. */
  decode(bytes: Buffer, start: number, end: number): boolean {
    this.fields = [];
    this.malformed = false;
    this.tooLarge = false;
    this.tooMany = false;
    this.#listBytes = 0;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    try {
      this.#readBlock();
      return true;
    } catch (thrown) {
      if (thrown instanceof BadBlock) return false;
      throw thrown;
    } finally {
      // An idle connection would keep the slab of 64 KB that they lie in.
      this.#bytes = NOTHING;
    }
  }

  #readBlock(): void {
    let fieldsBegun = false;
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at]!;
      if (byte >= 0x80) this.#indexed(this.#integer(0x7f));
      else if (byte >= 0x40) this.#literal(this.#integer(0x3f), true);
      else if (byte >= 0x20) {
        const limit = this.#integer(0x1f);
        if (fieldsBegun || limit > this.#maxTableBytes) throw new BadBlock();
        this.#resize(limit);
        continue;
      } else this.#literal(this.#integer(0x0f), false);
      fieldsBegun = true;
    }
  }

  #indexed(index: number): void {
    if (index >= 1 && index <= STATIC_ENTRIES) {
      this.#push(STATIC_TABLE[index * 2 - 2]!, STATIC_TABLE[index * 2 - 1]!);
      return;
    }
    const entry = this.#dynamic(index);
    if (!entry.valid) this.malformed = true;
    this.#push(entry.name, entry.value);
  }

  #literal(nameIndex: number, keep: boolean): void {
    let valid = true;
    let name: string;
    if (nameIndex === 0) {
      const read = this.#text(true);
      name = KNOWN.get(read) ?? read;
      valid = this.#textValid;
    } else if (nameIndex <= STATIC_ENTRIES) name = STATIC_TABLE[nameIndex * 2 - 2]!;
    else {
      const entry = this.#dynamic(nameIndex);
      name = entry.name;
      valid = entry.valid;
    }
    const value = this.#text(false);
    valid = valid && this.#textValid;
    if (!valid) this.malformed = true;
    if (keep) this.#insert({ name, value, valid });
    this.#push(name, value);
  }

  #dynamic(index: number): Entry {
    const place = this.#entries.length - (index - STATIC_ENTRIES);
    const entry = index > STATIC_ENTRIES && place >= this.#first ? this.#entries[place] : undefined;
    if (entry === undefined) throw new BadBlock();
    return entry;
  }

  #push(name: string, value: string): void {
    this.#listBytes += name.length + value.length;
    if (this.#listBytes > this.#maxListBytes) this.tooLarge = true;
    else if (this.fields.length >= this.#maxFields * 2) this.tooMany = true;
    if (this.tooLarge || this.tooMany) return;
    this.fields.push(name, value);
  }

  #insert(entry: Entry): void {
    const size = entry.name.length + entry.value.length + ENTRY_OVERHEAD;
    this.#evict(this.#tableLimit - size);
    if (size > this.#tableLimit) return;
    this.#entries.push(entry);
    this.#tableBytes += size;
  }

  #resize(limit: number): void {
    this.#tableLimit = limit;
    this.#evict(limit);
  }

  #evict(room: number): void {
    while (this.#tableBytes > room && this.#first < this.#entries.length) {
      const { name, value } = this.#entries[this.#first++]!;
      this.#tableBytes -= name.length + value.length + ENTRY_OVERHEAD;
    }
    // The front is cut off in one piece, now and then.
    if (this.#first > 256) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  /** An integer whose prefix is the bits of `mask` (RFC 7541 §5.1). */
  #integer(mask: number): number {
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let i = 0, factor = 1; i < MAX_INTEGER_BYTES; i++, factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new BadBlock();
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new BadBlock();
    return this.#bytes[this.#at++]!;
  }

  #text(isName: boolean): string {
    const huffman = this.#at < this.#end && this.#bytes[this.#at]! >= 0x80;
    const length = this.#integer(0x7f);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) throw new BadBlock();
    this.#at = end;
    if (huffman) return this.#huffman(start, end, isName);
    this.#textValid = isName ? isNameText(this.#bytes, start, end) : isValueText(this.#bytes, start, end);
    return textOf(this.#bytes, start, end);
  }

  #huffman(start: number, end: number, isName: boolean): string {
    const text = decodeHuffman(this.#bytes, start, end);
    if (text === undefined) throw new BadBlock();
    const bytes = Buffer.from(text, 'latin1');
    this.#textValid = isName ? isNameText(bytes, 0, bytes.length) : isValueText(bytes, 0, bytes.length);
    return text;
  }
}

/** A token in lower case, perhaps with the colon of a pseudo-header before it. */
function isNameText(bytes: Uint8Array, start: number, end: number): boolean {
  let at = bytes[start] === COLON ? start + 1 : start;
  if (at >= end) return false;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0 || LOWER_TOKEN[byte] !== byte) return false;
  }
  return true;
}

/** No control characters. Unlike RFC 9113 §8.2.1, and as in Envoy, white space may stand at either end. */
function isValueText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (IS_VALUE[bytes[at]!] === 0) return false;
  return true;
}

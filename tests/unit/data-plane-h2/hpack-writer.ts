import { STATIC_ENTRIES, STATIC_TABLE } from '../../../server/data-plane/http/h2/static-table.ts';

/** How a field is written. `indexed`: by its place where a table has it, and kept where none has. */
export interface FieldStyle {
  readonly form: 'indexed' | 'incremental' | 'plain' | 'never';
  /** The name is named by its place where a table has it. */
  readonly nameByPlace: boolean;
  readonly huffman: boolean;
}

export interface StyledField {
  readonly name: string;
  readonly value: string;
  readonly style: FieldStyle;
}

const FIRST_BYTES = {
  indexed: [0x40, 0x3f],
  incremental: [0x40, 0x3f],
  plain: [0, 0x0f],
  never: [0x10, 0x0f],
} as const;
const ENTRY_OVERHEAD = 32;

/** Writes header blocks in every form that RFC 7541 knows, as its caller wants them. One instance serves a whole connection. */
export class HpackWriter {
  readonly #huffman: (text: string) => Buffer;
  /** Newest first. */
  #entries: (readonly [string, string])[] = [];
  #limit = 4096;

  constructor(huffman: (text: string) => Buffer) {
    this.#huffman = huffman;
  }

  /** One block. `limits`: sizes that the table takes one after the other before it. */
  block(fields: readonly StyledField[], limits: readonly number[] = []): Buffer {
    const updates = limits.map((limit) => {
      this.#limit = limit;
      this.#evict(0);
      return integer(0x20, 0x1f, limit);
    });
    return Buffer.concat([...updates, ...fields.map((field) => this.#field(field))]);
  }

  #field({ name, value, style }: StyledField): Buffer {
    const place = style.form === 'indexed' ? this.#placeOf((n, v) => n === name && v === value) : 0;
    if (place > 0) return integer(0x80, 0x7f, place);
    const [first, mask] = FIRST_BYTES[style.form];
    const namePlace = style.nameByPlace ? this.#placeOf((n) => n === name) : 0;
    const parts = [integer(first, mask, namePlace)];
    if (namePlace === 0) parts.push(this.#text(name, style.huffman));
    parts.push(this.#text(value, style.huffman));
    if (first === 0x40) this.#insert(name, value);
    return Buffer.concat(parts);
  }

  #placeOf(fits: (name: string, value: string) => boolean): number {
    for (let place = 1; place <= STATIC_ENTRIES; place++)
      if (fits(STATIC_TABLE[place * 2 - 2]!, STATIC_TABLE[place * 2 - 1]!)) return place;
    const at = this.#entries.findIndex(([name, value]) => fits(name, value));
    return at < 0 ? 0 : STATIC_ENTRIES + 1 + at;
  }

  #text(text: string, huffman: boolean): Buffer {
    const bytes = huffman ? this.#huffman(text) : Buffer.from(text, 'latin1');
    return Buffer.concat([integer(huffman ? 0x80 : 0, 0x7f, bytes.length), bytes]);
  }

  #insert(name: string, value: string): void {
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.#evict(size);
    if (size <= this.#limit) this.#entries.unshift([name, value]);
  }

  #evict(room: number): void {
    const used = (): number =>
      this.#entries.reduce((sum, [name, value]) => sum + name.length + value.length + ENTRY_OVERHEAD, 0);
    while (this.#entries.length > 0 && used() + room > this.#limit) this.#entries.pop();
  }
}

/** An integer whose prefix is the bits of `mask`, behind the bits of `first` (RFC 7541 §5.1). */
export function integer(first: number, mask: number, value: number): Buffer {
  if (value < mask) return Buffer.from([first | value]);
  const bytes = [first | mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(0x80 | (rest & 0x7f));
  return Buffer.from([...bytes, rest]);
}

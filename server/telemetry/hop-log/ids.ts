/** 32-bit words of a trace id, and of a span id. */
export const TRACE_WORDS = 4;
export const SPAN_WORDS = 2;

const DIGITS_PER_WORD = 8;
const BYTES_PER_WORD = 4;
const HEX = '0123456789abcdef';
/** The value of a lower-case digit by its character code; -1 for every other character. */
const VALUES = new Int8Array(256).fill(-1);
for (let value = 0; value < HEX.length; value++) VALUES[HEX.charCodeAt(value)] = value;

/**
 * Writes an id of lower-case hex digits as `words` words. Returns false for a text that is none: it gets words that stand for it, and the
 * text itself must be kept.
 */
export function packId(id: string, words: number, into: Uint32Array, at: number): boolean {
  if (id.length === words * DIGITS_PER_WORD) {
    let digit = 0;
    let seen = 0;
    for (let word = 0; word < words; word++) {
      let packed = 0;
      for (const end = digit + DIGITS_PER_WORD; digit < end; digit++) {
        const code = id.charCodeAt(digit);
        const value = code < 256 ? VALUES[code]! : -1;
        seen |= value;
        packed = (packed << 4) | value;
      }
      into[at + word] = packed;
    }
    if (seen >= 0) return true;
  }
  for (let word = 0; word < words; word++) into[at + word] = hash(id, word);
  return false;
}

/** A number's own digits would be found by division, one after the other: half a microsecond for each word. */
const scratch = Buffer.alloc(TRACE_WORDS * BYTES_PER_WORD);

export function unpackId(words: number, from: Uint32Array, at: number): string {
  for (let word = 0; word < words; word++) scratch.writeUInt32BE(from[at + word]!, word * BYTES_PER_WORD);
  return scratch.toString('hex', 0, words * BYTES_PER_WORD);
}

export function sameWords(words: number, a: Uint32Array, at: number, b: Uint32Array, bt: number): boolean {
  for (let word = 0; word < words; word++) if (a[at + word] !== b[bt + word]) return false;
  return true;
}

/** FNV-1a, another one for each word. */
function hash(text: string, word: number): number {
  let sum = 0x811c9dc5 ^ (word * 0x9e3779b1);
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return sum >>> 0;
}

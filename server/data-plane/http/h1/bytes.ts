/** Byte values that the HTTP/1.1 grammar (RFC 9112) names. */
export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const ZERO = 0x30;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** Methods of Node's buffers behind `toString` and `write`, without the choice of an encoding. */
interface Latin1Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number): number;
}

/** The text of bytes, each of them one character. */
export const textOf = (bytes: Buffer, start: number, end: number): string =>
  (bytes as unknown as Latin1Buffer).latin1Slice(start, end);

/** Writes a text of latin1 characters and returns how many bytes that was. */
export const writeText = (bytes: Buffer, text: string, at: number): number =>
  (bytes as unknown as Latin1Buffer).latin1Write(text, at);

const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Of each token character (RFC 9110 §5.6.2) its lower case; 0 for every other byte. */
export const LOWER_TOKEN: Uint8Array = (() => {
  const table = new Uint8Array(256);
  for (const character of TOKEN_CHARACTERS) table[character.charCodeAt(0)] = character.toLowerCase().charCodeAt(0);
  return table;
})();

/** 1 for each byte a field value may hold (RFC 9110 §5.5): tab, visible, space, and 0x80 to 0xff. */
export const IS_VALUE: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === TAB || (byte >= SPACE && byte !== 0x7f) ? 1 : 0,
);

/** 1 for each byte a request target may hold: visible ASCII (RFC 3986). */
export const IS_TARGET: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > SPACE && byte < 0x7f ? 1 : 0,
);

/** The digits of hexadecimal numbers, in lower case. */
export const HEX_DIGITS: Uint8Array = Buffer.from('0123456789abcdef', 'latin1');

/**
 * The sixteen digits of two numbers of 32 bits, in one piece: digits that are strung together one by one make a tree of strings, and whoever
 * writes it out walks the tree.
 */
export const hexDigits = (high: number, low: number): string =>
  String.fromCharCode(
    HEX_DIGITS[high >>> 28]!,
    HEX_DIGITS[(high >>> 24) & 15]!,
    HEX_DIGITS[(high >>> 20) & 15]!,
    HEX_DIGITS[(high >>> 16) & 15]!,
    HEX_DIGITS[(high >>> 12) & 15]!,
    HEX_DIGITS[(high >>> 8) & 15]!,
    HEX_DIGITS[(high >>> 4) & 15]!,
    HEX_DIGITS[high & 15]!,
    HEX_DIGITS[low >>> 28]!,
    HEX_DIGITS[(low >>> 24) & 15]!,
    HEX_DIGITS[(low >>> 20) & 15]!,
    HEX_DIGITS[(low >>> 16) & 15]!,
    HEX_DIGITS[(low >>> 12) & 15]!,
    HEX_DIGITS[(low >>> 8) & 15]!,
    HEX_DIGITS[(low >>> 4) & 15]!,
    HEX_DIGITS[low & 15]!,
  );

/** Value of each hexadecimal digit; 255 for every other byte. */
export const HEX_VALUE: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? 255 : digit;
});

/** Largest number of decimal digits of a Content-Length: below 2^53. */
const MAX_LENGTH_DIGITS = 15;

/** A Content-Length; −1 when the text is no plain number, or one that no message has. To read its digits here is cheaper than Number(). */
export function readLength(text: string): number {
  const { length } = text;
  if (length === 0 || length > MAX_LENGTH_DIGITS) return -1;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

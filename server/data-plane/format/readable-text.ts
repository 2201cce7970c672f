import { isUtf8 } from 'node:buffer';

const BEYOND_ASCII = /[^\0-\x7f]/;
const BEYOND_BYTES = /[^\0-\xff]/;

/** A text of a message, whose letters are its bytes, as it is to be read: what is UTF-8 by them. Other texts stay as they are. */
export function readable(text: string): string {
  if (!BEYOND_ASCII.test(text) || BEYOND_BYTES.test(text)) return text;
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : text;
}

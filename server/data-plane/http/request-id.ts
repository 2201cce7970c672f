import type { Random } from '#domain';
import { HEX_DIGITS, textOf } from './h1/bytes.ts';

/** The digit that tells the sampling decision: 4 not sampled, 9 sampled, a and b sampled because somebody asked for it. */
const TRACE_DIGIT = 14;

const scratch = Buffer.from('00000000-0000-0000-0000-000000000000', 'latin1');
/** Where each byte's digits stand among the dashes. */
const PLACES: readonly number[] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

const bytes = new Uint8Array(PLACES.length);

/** A random UUID in Envoy's form. */
export function newRequestId(random: Random, sampled: boolean): string {
  random.fill(bytes, PLACES.length);
  bytes[6] = (bytes[6]! & 0x0f) | (sampled ? 0x90 : 0x40);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  for (let i = 0; i < PLACES.length; i++) {
    const place = PLACES[i]!;
    scratch[place] = HEX_DIGITS[bytes[i]! >> 4]!;
    scratch[place + 1] = HEX_DIGITS[bytes[i]! & 15]!;
  }
  return textOf(scratch, 0, scratch.length);
}

const hasDecision = (id: string): boolean => id.length === 36 && id[TRACE_DIGIT - 1] === '-';

/** Whether an id of UUID form carries the decision to trace. */
export const saysSampled = (id: string): boolean => hasDecision(id) && '9ab'.includes(id[TRACE_DIGIT]!);

/** Writes the sampling decision into an id of UUID form; leaves other ids alone. */
export function withDecision(id: string, sampled: boolean): string {
  if (!hasDecision(id) || saysSampled(id) === sampled) return id;
  return `${id.slice(0, TRACE_DIGIT)}${sampled ? '9' : '4'}${id.slice(TRACE_DIGIT + 1)}`;
}

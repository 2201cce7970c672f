import type { Random } from '#domain';
import { HEX_DIGITS, textOf } from './h1/bytes.ts';

/** The digit that tells the sampling decision: 4 not sampled, 9 sampled, a and b sampled because somebody asked for it. */
const TRACE_DIGIT = 14;

const WORD = 0x1_0000_0000;
const WORDS = 4;
const DIGITS_PER_WORD = 8;

const scratch = Buffer.from('00000000-0000-0000-0000-000000000000', 'latin1');
/** Where each of the 32 digits stands among the dashes. */
const PLACES = Uint8Array.from({ length: WORDS * DIGITS_PER_WORD }, (_, digit) => {
  const dashes = [8, 12, 16, 20].filter((before) => digit >= before).length;
  return digit + dashes;
});

/** A random UUID in Envoy's form. */
export function newRequestId(random: Random, sampled: boolean): string {
  let digit = 0;
  for (let place = 0; place < WORDS; place++) {
    let word = random.below(WORD);
    if (place === 1) word = (word & 0xffff_0fff) | (sampled ? 0x9000 : 0x4000);
    else if (place === 2) word = (word & 0x3fff_ffff) | 0x8000_0000;
    for (let shift = 28; shift >= 0; shift -= 4) scratch[PLACES[digit++]!] = HEX_DIGITS[(word >>> shift) & 15]!;
  }
  return textOf(scratch, 0, scratch.length);
}

/** The form in which every proxy makes ids; only such an id carries a decision. */
export const hasUuidForm = (id: string): boolean => id.length === 36 && id[TRACE_DIGIT - 1] === '-';

/** Whether an id of UUID form carries the decision to trace. */
export const saysSampled = (id: string): boolean => hasUuidForm(id) && '9ab'.includes(id[TRACE_DIGIT]!);

/** Writes the sampling decision into an id of UUID form; leaves other ids alone. */
export function withDecision(id: string, sampled: boolean): string {
  if (!hasUuidForm(id) || saysSampled(id) === sampled) return id;
  return `${id.slice(0, TRACE_DIGIT)}${sampled ? '9' : '4'}${id.slice(TRACE_DIGIT + 1)}`;
}

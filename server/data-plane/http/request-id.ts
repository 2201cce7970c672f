import type { Random } from '#domain';
import { HEX_DIGITS, textOf } from './h1/bytes.ts';

/** The digit that tells the decision to trace: 4 none, else by whom. */
const TRACE_DIGIT = 14;
const DIGITS = { sampled: '9', server: 'a', client: 'b' } as const;

/** Who decided to trace a request: chance, a server that set x-envoy-force-trace, or a client with an id of its own. */
export type TraceReason = keyof typeof DIGITS;

const WORD = 0x1_0000_0000;
const WORDS = 4;
const DIGITS_PER_WORD = 8;

const scratch = Buffer.from('00000000-0000-0000-0000-000000000000', 'latin1');
/** Where each of the 32 digits stands among the dashes. */
const PLACES = Uint8Array.from({ length: WORDS * DIGITS_PER_WORD }, (_, digit) => {
  const dashes = [8, 12, 16, 20].filter((before) => digit >= before).length;
  return digit + dashes;
});

/** A random UUID in Envoy's form, without a decision to trace. */
export function newRequestId(random: Random): string {
  let digit = 0;
  for (let place = 0; place < WORDS; place++) {
    let word = random.below(WORD);
    if (place === 1) word = (word & 0xffff_0fff) | 0x4000;
    else if (place === 2) word = (word & 0x3fff_ffff) | 0x8000_0000;
    for (let shift = 28; shift >= 0; shift -= 4) scratch[PLACES[digit++]!] = HEX_DIGITS[(word >>> shift) & 15]!;
  }
  return textOf(scratch, 0, scratch.length);
}

/** The form in which every proxy makes ids; only such an id carries a decision. */
export const hasUuidForm = (id: string): boolean => id.length === 36 && id[TRACE_DIGIT - 1] === '-';

/** What an id of UUID form says; undefined: not to trace. */
export function reasonOf(id: string): TraceReason | undefined {
  if (!hasUuidForm(id)) return undefined;
  switch (id[TRACE_DIGIT]) {
    case '9':
      return 'sampled';
    case 'a':
      return 'server';
    case 'b':
      return 'client';
    default:
      return undefined;
  }
}

/** Writes a decision into an id of UUID form; leaves other ids alone. */
export function withReason(id: string, reason: TraceReason | undefined): string {
  if (!hasUuidForm(id) || reasonOf(id) === reason) return id;
  return `${id.slice(0, TRACE_DIGIT)}${reason === undefined ? '4' : DIGITS[reason]}${id.slice(TRACE_DIGIT + 1)}`;
}

const MASK = 0xffff_ffff_ffff_ffffn;
const MULTIPLIER = 0xc6a4_a793_5bd1_e995n;
/** The seed of the C++ standard library, which Envoy takes. */
const SEED = 0xc70f_6907n;
const WORD = 8;

const times = (a: bigint, b: bigint): bigint => (a * b) & MASK;
const mixed = (value: bigint): bigint => value ^ (value >> 47n);

/** MurmurHash2 of 64 bits, unsigned, as Envoy's ring hash offers it for old clients. Text is hashed as latin1. */
export function murmurHash64(text: string): bigint {
  const bytes = Buffer.from(text, 'latin1');
  const whole = bytes.length - (bytes.length % WORD);
  let hash = SEED ^ times(BigInt(bytes.length), MULTIPLIER);
  for (let at = 0; at < whole; at += WORD) {
    const word = times(mixed(times(bytes.readBigUInt64LE(at), MULTIPLIER)), MULTIPLIER);
    hash = times(hash ^ word, MULTIPLIER);
  }
  if (whole < bytes.length) {
    const rest = Buffer.alloc(WORD);
    bytes.copy(rest, 0, whole);
    hash = times(hash ^ rest.readBigUInt64LE(), MULTIPLIER);
  }
  return mixed(times(mixed(hash), MULTIPLIER));
}

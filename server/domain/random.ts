/**
 * A source of chance. Injected, so that one seed reproduces traffic, weights, jitter and load balancing exactly.
 */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [0, bound); bound is at least 1 and at most 2^32. */
  below(bound: number): number;
  /** `count` random bytes. Not for keys. */
  bytes(count: number): Uint8Array;
  /** The same bytes as `bytes(count)` would give, at the beginning of `target`. */
  fill(target: Uint8Array, count: number): void;
  /** An independent source named `label`; the same seed and label give the same sequence. */
  stream(label: string): Random;
}

/** 32-bit FNV-1a, enough to turn a label into a seed. */
export function hashLabel(label: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < label.length; i++) {
    hash ^= label.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** A seeded source (sfc32 after twelve rounds of mixing). Same seed, same sequence, on every platform. */
export function seededRandom(seed: number | string): Random {
  const start = typeof seed === 'number' ? seed >>> 0 : hashLabel(seed);
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = start;
  let counter = 1;
  const uint32 = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  const fill = (target: Uint8Array, count: number): void => {
    for (let i = 0; i < count; i++) target[i] = uint32() & 0xff;
  };
  for (let round = 0; round < 12; round++) uint32();
  return {
    next: () => uint32() / 0x1_0000_0000,
    below: (bound) => Math.floor((uint32() / 0x1_0000_0000) * bound),
    bytes: (count) => {
      const bytes = new Uint8Array(count);
      fill(bytes, count);
      return bytes;
    },
    fill,
    stream: (label) => seededRandom(`${start}/${label}`),
  };
}

/**
 * A number in [0, 1) that only the label decides: FNV-1a and Murmur3's finishing steps, so that labels that differ in one
 * character give unrelated numbers. Not for keys.
 */
export function fractionOf(label: string): number {
  let hash = hashLabel(label);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}

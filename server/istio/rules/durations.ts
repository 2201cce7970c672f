const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const PART = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;
const MAX_NS = 2n ** 63n - 1n;

/** Nanoseconds of a length of time as Go's `time.ParseDuration` reads it: `1h30m`, `-1.5s`. Undefined for anything else. */
export function parseGoDurationNs(text: string): bigint | undefined {
  const sign = /^[+-]/.exec(text)?.[0];
  const body = sign ? text.slice(1) : text;
  if (body === '0') return 0n;
  let total = 0n;
  let at = 0;
  while (at < body.length) {
    PART.lastIndex = at;
    const [whole, integer = '', fraction = '', unit = ''] = PART.exec(body) ?? [];
    if (whole === undefined || (integer === '' && fraction === '')) return undefined;
    const scale = UNIT_NS[unit] ?? 0n;
    total += BigInt(integer || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    if (total > MAX_NS) return undefined;
    at += whole.length;
  }
  if (body === '') return undefined;
  return sign === '-' ? -total : total;
}

import { evaluate } from '@marcbachmann/cel-js';

interface CelDuration {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** The library's own classes, which it does not export by name. */
const Duration = (evaluate('duration("1s")') as object).constructor as new (
  seconds: bigint,
  nanos: number,
) => CelDuration;
const UnsignedInt = (evaluate('1u') as object).constructor as new (value: bigint) => { readonly value: bigint };

const NANOS_PER_MS = 1_000_000;

export const celDuration = (ms: number): object =>
  new Duration(BigInt(Math.floor(ms / 1000)), Math.round((ms % 1000) * NANOS_PER_MS));

/** As protobuf's JSON writes it: `1.500s`. */
function durationText({ seconds, nanos }: CelDuration): string {
  const fraction = String(nanos)
    .padStart(9, '0')
    .replace(/(000)+$/, '');
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}s`;
}

/** CEL's values as JSON has them: whole numbers, times, bytes, maps by their keys in order. */
export function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof UnsignedInt) return Number(value.value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, 'Z');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), asJson(item)]));
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, item]) => [key, asJson(item)]));
}

/** CEL's values as Envoy writes them into a text; lists and maps by their kind alone. Unlike there, metadata of resources is JSON. */
export function asText(value: unknown): string {
  if (value === null) return 'NULL';
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$|Z$/, '+00:00');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (Array.isArray(value)) return 'CelList value';
  const plain = asJson(value);
  if (typeof plain !== 'object' || plain === null) return String(plain);
  return 'filter_metadata' in plain ? JSON.stringify(plain) : 'CelMap value';
}

import type { Random } from '#domain';
import { hexOf } from './trace-context.ts';

/** The digit that tells the sampling decision: 4 not sampled, 9 sampled. */
const TRACE_DIGIT = 14;

/** A random UUID in Envoy's form. */
export function newRequestId(random: Random, sampled: boolean): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = hexOf(bytes);
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return withDecision(id, sampled);
}

/** Writes the sampling decision into an id of UUID form; leaves other ids alone. */
export function withDecision(id: string, sampled: boolean): string {
  if (id.length !== 36 || id[TRACE_DIGIT - 1] !== '-') return id;
  if (id[TRACE_DIGIT] === (sampled ? '9' : '4')) return id;
  return `${id.slice(0, TRACE_DIGIT)}${sampled ? '9' : '4'}${id.slice(TRACE_DIGIT + 1)}`;
}

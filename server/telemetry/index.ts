export type * from './doors.ts';
export { SLOW_MS } from './edges.ts';
export type { HopStoreOptions } from './hop-store.ts';
export { createHopStore } from './hop-store.ts';
export type { ResponseFlagInfo } from './response-flags.ts';
export { responseFlags } from './response-flags.ts';
export { createSpanExporter, type SpanExporter, type SpanFormat } from './spans/exporter.ts';
export { verdictOf } from './verdict.ts';

import type { SpanNote } from '#domain';
import type { StreamTimes } from '../stream-info.ts';

type Point = readonly [at: keyof StreamTimes, value: string];

/** Of a call to a host. */
const UPSTREAM: readonly Point[] = [
  ['requestBegun', 'first_upstream_tx_byte_sent'],
  ['requestSent', 'last_upstream_tx_byte_sent'],
  ['responseBegun', 'first_upstream_rx_byte_received'],
  ['responseReceived', 'last_upstream_rx_byte_received'],
];

/** In Envoy's order, which is not that of time. Source: annotateVerbose in Envoy. */
const REQUEST: readonly Point[] = [
  ['requestReceived', 'last_downstream_rx_byte_received'],
  ...UPSTREAM,
  ['answerBegun', 'first_downstream_tx_byte_sent'],
  ['answerSent', 'last_downstream_tx_byte_sent'],
];

/** What a verbose span tells of a request, or of a call to a host; `startMs`: wall time of the request's beginning. */
export function spanNotes(times: StreamTimes, startMs: number, of: 'request' | 'call'): SpanNote[] {
  return (of === 'request' ? REQUEST : UPSTREAM).flatMap(([at, value]) => {
    const after = times[at];
    return after === undefined ? [] : [{ atMs: startMs + after, value }];
  });
}

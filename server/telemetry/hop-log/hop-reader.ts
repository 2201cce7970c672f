import {
  type HopDetail,
  type HopHandshakes,
  type HopRecord,
  RecordedHop,
  RecordedRequest,
  RecordedResponse,
} from '#domain';
import { BIT, COUNT, type HopRows, ID, NUMBER, REFERENCE } from './hop-rows.ts';
import type { HopStory } from './hop-stories.ts';
import { SPAN_WORDS, TRACE_WORDS, unpackId } from './ids.ts';

interface Parts {
  /** All texts of the row, one behind the other. */
  readonly text: string;
  readonly detail: (() => HopDetail) | undefined;
}

/** Reads what `HopLog` wrote. */
export function readHop(rows: HopRows, row: number, { text, detail }: Parts): HopRecord {
  const [requestId, authority, path, entrySpanId, accessLog] = textsOf(rows, row, text);
  const numbers = rows.numbers.subarray(row * NUMBER.places, (row + 1) * NUMBER.places);
  const counts = rows.counts.subarray(row * COUNT.places, (row + 1) * COUNT.places);
  const at = row * REFERENCE.places;
  const story = rows.references[at + REFERENCE.story] as HopStory;
  const has = (bit: number): boolean => (counts[COUNT.bits]! & bit) !== 0;
  const [traceId, spanId, parentSpanId] = idsOf(rows, row, has(BIT.oddIds));
  const request = {
    method: story.method,
    authority,
    path,
    protocol: story.protocol,
    bytes: numbers[NUMBER.requestBytes]!,
  };
  const response = {
    status: counts[COUNT.status]!,
    flags: story.flags,
    details: story.details,
    bytes: numbers[NUMBER.responseBytes]!,
  };
  const hop = new RecordedHop(
    {
      spanId,
      traceId,
      requestId,
      proxy: story.proxy,
      direction: has(BIT.inbound) ? 'inbound' : 'outbound',
      startMs: numbers[NUMBER.startMs]!,
      durationMs: numbers[NUMBER.durationMs]!,
      request: new RecordedRequest(request, detail),
      response: new RecordedResponse(response, detail),
      routeName: story.routeName,
      cluster: story.cluster,
      upstreamHost: story.upstreamHost,
      attempts: counts[COUNT.attempts]!,
      mtls: has(BIT.mtls),
      pushVersion: story.pushVersion,
      accessLog,
    },
    detail,
  );
  if (has(BIT.hasParent)) hop.parentSpanId = parentSpanId;
  if (has(BIT.toldSampled)) hop.sampled = has(BIT.sampled);
  if (has(BIT.hasStandsFor)) hop.standsFor = counts[COUNT.standsFor]!;
  if (story.peer !== undefined) hop.peer = story.peer;
  if (story.operation !== undefined) hop.operation = story.operation;
  const handshakes = handshakesOf(rows.references[at + REFERENCE.downstream], rows.references[at + REFERENCE.upstream]);
  if (handshakes !== undefined) hop.handshakes = handshakes;
  if (story.tags !== undefined) {
    hop.tracing = {
      tags: story.tags,
      maxPathLength: numbers[NUMBER.maxPathLength]!,
      scheme: story.scheme,
      userAgent: story.userAgent,
      peerIp: story.peerIp,
      ...(has(BIT.hasEntrySpan) && { entrySpanId }),
    };
  }
  return hop;
}

type Texts = [requestId: string, authority: string, path: string, entrySpanId: string, accessLog: string];

function textsOf({ counts }: HopRows, row: number, text: string): Texts {
  const at = row * COUNT.places;
  const lengths = [COUNT.requestIdLength, COUNT.authorityLength, COUNT.pathLength, COUNT.entrySpanLength];
  let from = 0;
  const texts = lengths.map((place) => {
    const to = from + counts[at + place]!;
    const part = text.slice(from, to);
    from = to;
    return part;
  });
  return [...texts, text.slice(from)] as Texts;
}

type Ids = readonly [traceId: string, spanId: string, parentSpanId: string];

function idsOf({ ids, references }: HopRows, row: number, odd: boolean): Ids {
  if (odd) return references[row * REFERENCE.places + REFERENCE.ids] as Ids;
  const at = row * ID.places;
  return [
    unpackId(TRACE_WORDS, ids, at + ID.trace),
    unpackId(SPAN_WORDS, ids, at + ID.span),
    unpackId(SPAN_WORDS, ids, at + ID.parent),
  ];
}

function handshakesOf(downstream: unknown, upstream: unknown): HopHandshakes | undefined {
  if (downstream === undefined && upstream === undefined) return undefined;
  const handshakes = {
    ...(downstream !== undefined && { downstream }),
    ...(upstream !== undefined && { upstream }),
  };
  return handshakes as HopHandshakes;
}

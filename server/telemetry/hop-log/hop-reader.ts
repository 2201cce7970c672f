import {
  type HopDetail,
  type HopHandshakes,
  type HopRecord,
  type HopTracing,
  RecordedHop,
  RecordedRequest,
  RecordedResponse,
} from '#domain';
import { BIT, COUNT, type HopRows, ID, NUMBER, REFERENCE } from './hop-rows.ts';
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
  const references = rows.references.slice(row * REFERENCE.places, (row + 1) * REFERENCE.places);
  const has = (bit: number): boolean => (counts[COUNT.bits]! & bit) !== 0;
  const known = <Name extends keyof typeof REFERENCE>(name: Name) => references[REFERENCE[name]];
  const [traceId, spanId, parentSpanId] = idsOf(rows, row, has(BIT.oddIds));
  const request = {
    method: known('method') as string,
    authority,
    path,
    protocol: known('protocol') as string,
    bytes: numbers[NUMBER.requestBytes]!,
  };
  const response = {
    status: counts[COUNT.status]!,
    flags: known('flags') as readonly string[],
    details: known('details') as string,
    bytes: numbers[NUMBER.responseBytes]!,
  };
  const hop = new RecordedHop(
    {
      spanId,
      traceId,
      requestId,
      proxy: known('proxy') as HopRecord['proxy'],
      direction: has(BIT.inbound) ? 'inbound' : 'outbound',
      startMs: numbers[NUMBER.startMs]!,
      durationMs: numbers[NUMBER.durationMs]!,
      request: new RecordedRequest(request, detail),
      response: new RecordedResponse(response, detail),
      routeName: known('routeName') as string,
      cluster: known('cluster') as string,
      upstreamHost: known('upstreamHost') as string,
      attempts: counts[COUNT.attempts]!,
      mtls: has(BIT.mtls),
      pushVersion: known('pushVersion') as string,
      accessLog,
    },
    detail,
  );
  if (has(BIT.hasParent)) hop.parentSpanId = parentSpanId;
  if (has(BIT.toldSampled)) hop.sampled = has(BIT.sampled);
  if (has(BIT.hasStandsFor)) hop.standsFor = counts[COUNT.standsFor]!;
  if (known('peer') !== undefined) hop.peer = known('peer') as string;
  if (known('operation') !== undefined) hop.operation = known('operation') as string;
  const handshakes = handshakesOf(known('downstream'), known('upstream'));
  if (handshakes !== undefined) hop.handshakes = handshakes;
  if (has(BIT.traced)) {
    hop.tracing = {
      tags: known('tags') as HopTracing['tags'],
      maxPathLength: numbers[NUMBER.maxPathLength]!,
      scheme: known('scheme') as string,
      userAgent: known('userAgent') as string,
      peerIp: known('peerIp') as string,
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

import { createHash } from 'node:crypto';
import { connectionId } from '#data-plane';
import { type HopRecord, RecordedHop, RecordedRequest, RecordedResponse } from '#domain';
import type { ChainsInForce } from './chains-in-force.ts';
import type { HopEntry } from './hop-format.ts';
import type { ToldHandshakes } from './told-handshakes.ts';
import { detailsOf, flagsOf, toldSteps } from './told-steps.ts';

/** What is known of the proxy beside what it writes down. */
export interface HopSurroundings {
  readonly proxy: HopRecord['proxy'];
  readonly podIp: string;
  /** Of the newest route configurations that it took. */
  readonly pushVersion: string;
  /** Whether the pod with this address has a real Envoy, which leaves trace headers as they come. */
  readonly isEnvoy: (ip: string) => boolean;
  readonly counts: CallCounts;
  readonly handshakes: ToldHandshakes;
  readonly chains: Pick<ChainsInForce, 'isFormer'>;
}

const MOST_CALLS = 4096;

/** Counts calls over the same connection within a trace: both of its ends count alike. */
export class CallCounts {
  readonly #counts = new Map<string, number>();

  /** How often this was asked before. */
  next(key: string): number {
    const count = this.#counts.get(key) ?? 0;
    this.#counts.delete(key);
    this.#counts.set(key, count + 1);
    if (this.#counts.size > MOST_CALLS) this.#counts.delete(this.#counts.keys().next().value!);
    return count;
  }
}

type Place = Pick<HopRecord, 'traceId' | 'spanId' | 'parentSpanId'>;

/** The record of what a real Envoy did with a request or a connection, as far as it tells. */
export function envoyHop(entry: HopEntry, surroundings: HopSurroundings): HopRecord {
  const { chains, proxy, pushVersion } = surroundings;
  const isHttp = entry.kind === 'http';
  const peer = (entry.direction === 'inbound' ? entry.client_uri : entry.host_uri) ?? '';
  const detail = {
    requestHeaders: headersOf(entry.request_headers),
    responseHeaders: headersOf(entry.response_headers),
    tape: undefined,
    steps: toldSteps(entry, chains.isFormer(entry.chain, Number(entry.start))),
  };
  const { traceId, spanId, parentSpanId } = isHttp ? requestPlace(entry, surroundings) : connectionPlace(entry);
  const request = {
    method: entry.method ?? '',
    authority: (isHttp ? entry.authority : (entry.server_name ?? entry.local)) ?? '',
    path: entry.path ?? '',
    protocol: isHttp ? (entry.protocol ?? '') : 'TCP',
    bytes: entry.received,
  };
  const response = {
    status: isHttp ? entry.status : 0,
    flags: flagsOf(entry),
    details: detailsOf(entry),
    bytes: entry.sent,
  };
  const hop = new RecordedHop(
    {
      spanId,
      traceId,
      requestId: entry.request_headers['x-request-id'] ?? '',
      proxy,
      direction: entry.direction,
      startMs: Number(entry.start),
      durationMs: entry.duration ?? 0,
      request: new RecordedRequest(request, detail),
      response: new RecordedResponse(response, detail),
      routeName: entry.route ?? '',
      cluster: entry.cluster ?? '',
      upstreamHost: entry.host ?? '',
      attempts: Number(entry.attempts ?? 0),
      mtls: peer !== '',
      pushVersion,
      accessLog: entry.line,
    },
    detail,
  );
  if (parentSpanId !== undefined) hop.parentSpanId = parentSpanId;
  if (peer !== '') hop.peer = peer;
  const handshakes = surroundings.handshakes.of(entry);
  if (handshakes !== undefined) hop.handshakes = handshakes;
  // An Envoy that traces sends its spans itself.
  hop.sampled = false;
  return hop;
}

const headersOf = (told: Readonly<Record<string, string | null>>): string[] =>
  Object.entries(told).flatMap(([name, value]) => (value === null || value === '-' ? [] : [name, value]));

/** Both ends of a connection compute the ids of its record alike, as our own proxies do. */
function connectionPlace({ direction, host, local, remote, start, stream, upstream_local }: HopEntry): Place {
  // A connection that no filter chain took has no stream.
  const own = stream ?? `${start}/${remote}/${local}`;
  if (direction === 'inbound') {
    const between = connectionId(remote, local);
    return { ...between, spanId: hexOf(16, 'served', own), parentSpanId: between.spanId };
  }
  if (upstream_local === null || host === null) return { traceId: hexOf(32, own), spanId: hexOf(16, own) };
  return connectionId(upstream_local, host);
}

/**
 * Where a hop stands in its trace. Without a tracer Envoy leaves trace headers as they come, so the two ends of a call find each other by the
 * connection that it took, and a pod's calls belong to the first request of the trace that it served.
 */
function requestPlace(entry: HopEntry, surroundings: HopSurroundings): Place {
  const { direction, host, local, remote, request_headers: headers, stream, traces, upstream_local } = entry;
  const { counts, isEnvoy, podIp, proxy } = surroundings;
  const told = toldSpan(headers);
  const traceId = told?.traceId ?? traceIdOf(headers['x-request-id'] ?? stream ?? '');
  const wasSent = upstream_local !== null && host !== null;
  // The tracer wrote its span into the request when the router sent it.
  if (traces === 'yes' && told !== undefined && wasSent)
    return { traceId, spanId: told.spanId, ...(told.parentSpanId && { parentSpanId: told.parentSpanId }) };
  const served = (nth: number): string => hexOf(16, traceId, 'served', podIp, nth);
  const called = (from: string, to: string, side: string): string =>
    hexOf(16, traceId, 'called', from, to, counts.next(`${side} ${traceId} ${from} ${to}`));
  const ofCaller = told && { parentSpanId: told.spanId };
  if (direction === 'inbound') {
    const caller = isEnvoy(remote.split(':')[0] ?? '') ? { parentSpanId: called(remote, local, 'to') } : ofCaller;
    return { traceId, spanId: served(counts.next(`served ${traceId} ${podIp}`)), ...caller };
  }
  const spanId = wasSent ? called(upstream_local, host, 'from') : hexOf(16, traceId, stream);
  return { traceId, spanId, ...(proxy.role === 'gateway' ? ofCaller : { parentSpanId: served(0) }) };
}

const hexOf = (digits: 16 | 32, ...parts: readonly (string | number | null)[]): string =>
  createHash('sha256').update(parts.join('/')).digest('hex').slice(0, digits);

const REQUEST_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const traceIdOf = (requestId: string): string =>
  REQUEST_ID.test(requestId) ? requestId.replaceAll('-', '').toLowerCase() : hexOf(32, requestId);

interface ToldSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
}

/** The span that the request's headers name: W3C, else B3. */
function toldSpan(headers: HopEntry['request_headers']): ToldSpan | undefined {
  const w3c = /^00-([0-9a-f]{32})-([0-9a-f]{16})-/.exec(headers['traceparent'] ?? '');
  const b3 = /^([0-9a-f]{16,32})-([0-9a-f]{16})/i.exec(headers['b3'] ?? '');
  const traceId = w3c?.[1] ?? b3?.[1] ?? headers['x-b3-traceid'] ?? '';
  const spanId = w3c?.[2] ?? b3?.[2] ?? headers['x-b3-spanid'] ?? '';
  if (!/^([0-9a-f]{16}){1,2}$/i.test(traceId) || !/^[0-9a-f]{16}$/i.test(spanId)) return undefined;
  const parent = headers['x-b3-spanid'] === spanId ? headers['x-b3-parentspanid'] : null;
  return {
    traceId: traceId.toLowerCase().padStart(32, '0'),
    spanId: spanId.toLowerCase(),
    ...(parent && { parentSpanId: parent.toLowerCase() }),
  };
}

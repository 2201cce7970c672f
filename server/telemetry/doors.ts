import type { FleetingHops, HopRecord } from '#domain';

/** One call from a workload to another as both proxies saw it; the unit of the request list. */
export interface RequestSummary {
  /** Span id of the first hop of the call: opens the decision path. */
  readonly id: string;
  readonly traceId: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly source: { readonly service: string; readonly version: string };
  readonly destination: { readonly service: string; readonly version: string };
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly status: number;
  readonly flags: readonly string[];
  readonly mtls: boolean;
  /** Who made the answer: `upstream`, or the proxy that refused. */
  readonly answeredBy: 'upstream' | 'client-proxy' | 'server-proxy';
  /** How many requests this one stands for, where a busy proxy recorded only some of them; absent: itself. */
  readonly standsFor?: number;
}

export interface EdgeRate {
  readonly source: string;
  readonly sourceVersion: string;
  readonly destination: string;
  readonly destinationVersion: string;
  readonly requests: number;
  readonly errors: number;
  readonly slow: number;
  readonly mtls: boolean;
  /** Milliseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Flags seen in the window with their counts. */
  readonly flags: Readonly<Record<string, number>>;
}

/** Keeps the newest hops of a sandbox (bounded), joins them to requests and traces, counts edges. */
export interface HopStore extends FleetingHops {
  record(hop: HopRecord): void;
  /** Calls for each hop that is recorded; returns the function that ends it. */
  onRecord(handler: (hop: HopRecord) => void): () => void;
  /** All hops of a trace, by start time. */
  trace(traceId: string): readonly HopRecord[];
  hop(spanId: string): HopRecord | undefined;
  /** The newest hops with a line of access log, newest last; at most `limit`. */
  logged(limit: number): readonly HopRecord[];
  /** Newest last; at most `limit`. */
  requests(limit: number): readonly RequestSummary[];
  /** Calls each time a request is complete (its last hop arrived); returns the function that ends it. */
  onRequest(handler: (request: RequestSummary) => void): () => void;
  /** Rates per edge over the last `windowMs`, ending now. */
  edges(windowMs: number, nowMs: number): readonly EdgeRate[];
  clear(): void;
}

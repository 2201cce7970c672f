import type { Clock, HopRecord, Timer } from '#domain';
import type { EdgeRate, HopStore, RequestSummary } from './doors.ts';
import { rateEdges } from './edges.ts';
import { summarize } from './summary.ts';

/** How long an inbound hop waits for the hop of its caller's proxy before it counts by itself. */
const CALLER_WAIT_MS = 10_000;
/** Request headers that only a client's proxy writes: where one is present, the caller's hop will come. */
const PROXY_HEADERS = new Set(['x-envoy-attempt-count', 'x-envoy-peer-metadata-id', 'x-envoy-decorator-operation']);

export interface HopStoreOptions {
  /** Hops kept; the oldest goes first. Requests are bounded by the same number. */
  readonly capacity: number;
  readonly clock: Clock;
}

export function createHopStore(options: HopStoreOptions): HopStore {
  return new BoundedHopStore(options);
}

class BoundedHopStore implements HopStore {
  readonly #options: HopStoreOptions;
  /** In order of arrival. */
  readonly #hops = new Map<string, HopRecord>();
  readonly #traces = new Map<string, Set<string>>();
  /** Inbound hops by the span of the call that they answered. */
  readonly #answers = new Map<string, HopRecord[]>();
  /** In order of completion. */
  readonly #requests = new Map<string, RequestSummary>();
  readonly #waiting = new Map<string, Timer>();
  readonly #handlers = new Set<(request: RequestSummary) => void>();

  constructor(options: HopStoreOptions) {
    this.#options = options;
  }

  record(hop: HopRecord): void {
    this.#keep(hop);
    if (hop.direction === 'outbound') this.#callFinished(hop);
    else this.#answerFinished(hop);
  }

  trace(traceId: string): readonly HopRecord[] {
    const spans = this.#traces.get(traceId) ?? [];
    return [...spans].map((span) => this.#hops.get(span)!).sort((a, b) => a.startMs - b.startMs || callerFirst(a, b));
  }

  hop(spanId: string): HopRecord | undefined {
    return this.#hops.get(spanId);
  }

  requests(limit: number): readonly RequestSummary[] {
    return [...this.#requests.values()].slice(-limit);
  }

  onRequest(handler: (request: RequestSummary) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  edges(windowMs: number, nowMs: number): readonly EdgeRate[] {
    const since = nowMs - windowMs;
    return rateEdges([...this.#requests.values()].filter(({ startMs, durationMs }) => startMs + durationMs >= since));
  }

  clear(): void {
    for (const timer of this.#waiting.values()) timer.cancel();
    for (const map of [this.#hops, this.#traces, this.#answers, this.#requests, this.#waiting]) map.clear();
  }

  #callFinished(call: HopRecord): void {
    const answers = this.#answers.get(call.spanId) ?? [];
    for (const answer of answers) this.#stopWaiting(answer.spanId);
    this.#complete(summarize(call, answers.at(-1)), 'new');
  }

  #answerFinished(answer: HopRecord): void {
    const caller = answer.parentSpanId;
    if (caller === undefined || !mayHaveCaller(answer)) {
      this.#complete(summarize(undefined, answer), 'new');
      return;
    }
    const call = this.#hops.get(caller);
    if (call?.direction === 'outbound') {
      // The caller gave up before: its request is known already, and now also who worked on it.
      this.#complete(summarize(call, answer), 'known');
      return;
    }
    const alone = (): void => {
      this.#waiting.delete(answer.spanId);
      this.#complete(summarize(undefined, answer), 'new');
    };
    this.#waiting.set(answer.spanId, this.#options.clock.after(CALLER_WAIT_MS, alone));
  }

  #complete(request: RequestSummary, as: 'new' | 'known'): void {
    if (as === 'known' && !this.#requests.has(request.id)) return;
    this.#requests.set(request.id, request);
    if (as === 'known') return;
    if (this.#requests.size > this.#options.capacity) dropOldest(this.#requests);
    for (const handler of this.#handlers) handler(request);
  }

  #keep(hop: HopRecord): void {
    this.#hops.set(hop.spanId, hop);
    const trace = this.#traces.get(hop.traceId) ?? new Set();
    this.#traces.set(hop.traceId, trace.add(hop.spanId));
    if (hop.direction === 'inbound' && hop.parentSpanId !== undefined) {
      this.#answers.set(hop.parentSpanId, [...(this.#answers.get(hop.parentSpanId) ?? []), hop]);
    }
    if (this.#hops.size > this.#options.capacity) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const oldest = dropOldest(this.#hops);
    if (oldest === undefined) return;
    this.#stopWaiting(oldest.spanId);
    const trace = this.#traces.get(oldest.traceId);
    trace?.delete(oldest.spanId);
    if (trace?.size === 0) this.#traces.delete(oldest.traceId);
    this.#answers.delete(oldest.spanId);
    if (oldest.parentSpanId === undefined) return;
    const left = (this.#answers.get(oldest.parentSpanId) ?? []).filter((hop) => hop !== oldest);
    if (left.length === 0) this.#answers.delete(oldest.parentSpanId);
    else this.#answers.set(oldest.parentSpanId, left);
  }

  #stopWaiting(spanId: string): void {
    this.#waiting.get(spanId)?.cancel();
    this.#waiting.delete(spanId);
  }
}

/** False when the request's headers prove that no proxy sent it. Hops without recorded headers prove nothing. */
const mayHaveCaller = ({ request }: HopRecord): boolean =>
  request.headers.length === 0 || request.headers.some(([name]) => PROXY_HEADERS.has(name));

const callerFirst = (a: HopRecord, b: HopRecord): number =>
  a.spanId === b.parentSpanId ? -1 : b.spanId === a.parentSpanId ? 1 : 0;

function dropOldest<T>(map: Map<string, T>): T | undefined {
  for (const [key, value] of map) {
    map.delete(key);
    return value;
  }
  return undefined;
}

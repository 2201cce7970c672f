import type { Clock, FleetingHop, HopRecord } from '#domain';
import { CallerWait } from './caller-wait.ts';
import type { EdgeRate, HopStore, RequestSummary } from './doors.ts';
import { rateEdges } from './edges.ts';
import { FleetingRing } from './fleeting-ring.ts';
import { Familiar } from './hop-log/familiar.ts';
import { HopLog } from './hop-log/hop-log.ts';
import { RequestLog } from './hop-log/request-log.ts';
import { TraceIndex } from './hop-log/trace-index.ts';
import { type HopFacts, summarize } from './summary.ts';

/** How long an inbound hop waits for the hop of its caller's proxy before it counts by itself. */
const CALLER_WAIT_MS = 10_000;
/** Request headers that only a client's proxy writes: where one is present, the caller's hop will come. */
const PROXY_HEADERS = ['x-envoy-attempt-count', 'x-envoy-peer-metadata-id', 'x-envoy-decorator-operation'];

export interface HopStoreOptions {
  /** Hops kept; the oldest goes first. Requests are bounded by the same number. */
  readonly capacity: number;
  /** Hops that keep their steps and headers, which are nearly all of their size; older ones keep the rest. Default: all. */
  readonly detailed?: number;
  readonly clock: Clock;
}

export function createHopStore(options: HopStoreOptions): HopStore {
  return new BoundedHopStore(options);
}

/** How far back in a trace the other side of a call is looked for: hops that a client put into one endless trace must not cost more. */
const NEAR = 256;

class BoundedHopStore implements HopStore {
  readonly #hops: HopLog;
  readonly #traces: TraceIndex;
  readonly #familiar = new Familiar();
  /** In order of completion. */
  readonly #requests: RequestLog;
  readonly #waiting: CallerWait;
  readonly #fleeting: FleetingRing;
  readonly #handlers = new Set<(request: RequestSummary) => void>();
  readonly #hopHandlers = new Set<(hop: HopRecord) => void>();

  constructor({ capacity, clock, detailed = capacity }: HopStoreOptions) {
    this.#hops = new HopLog({ capacity, detailed, familiar: this.#familiar });
    this.#traces = new TraceIndex(this.#hops.rows);
    this.#requests = new RequestLog(capacity, this.#familiar);
    this.#waiting = new CallerWait({
      clock,
      hops: this.#hops,
      waitMs: CALLER_WAIT_MS,
      onGivenUp: (number) => this.#complete(number, summarize(undefined, this.#hops.read(number)!)),
    });
    this.#fleeting = new FleetingRing((hop) => this.#record(hop));
  }

  get wanted(): boolean {
    return this.#handlers.size > 0;
  }

  hold(hop: FleetingHop): void {
    this.#fleeting.hold(hop);
  }

  record(hop: HopRecord): void {
    this.#fleeting.keep(hop.requestId);
    this.#record(hop);
  }

  onRecord(handler: (hop: HopRecord) => void): () => void {
    this.#hopHandlers.add(handler);
    return () => this.#hopHandlers.delete(handler);
  }

  trace(traceId: string): readonly HopRecord[] {
    this.#fleeting.find(traceId);
    const { oldest } = this.#hops;
    const hops: HopRecord[] = [];
    for (let at = this.#traces.lastOf(traceId, oldest); at >= 0; at = this.#traces.before(at, oldest))
      hops.push(this.#hops.read(at)!);
    return hops.reverse().sort((a, b) => a.startMs - b.startMs || callerFirst(a, b));
  }

  hop(spanId: string): HopRecord | undefined {
    return this.#hops.read(this.#hops.find(spanId));
  }

  logged(limit: number): readonly HopRecord[] {
    const found: HopRecord[] = [];
    for (let number = this.#hops.count - 1; number >= this.#hops.oldest && found.length < limit; number--) {
      const hop = this.#hops.read(number)!;
      if (hop.accessLog !== '') found.push(hop);
    }
    return found.reverse();
  }

  requests(limit: number): readonly RequestSummary[] {
    const { count, oldest } = this.#requests;
    const first = Math.max(oldest, count - limit);
    return Array.from({ length: count - first }, (_, i) => this.#requests.read(first + i));
  }

  onRequest(handler: (request: RequestSummary) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  edges(windowMs: number, nowMs: number): readonly EdgeRate[] {
    const since = nowMs - windowMs;
    const recent: RequestSummary[] = [];
    for (let number = this.#requests.oldest; number < this.#requests.count; number++)
      if (this.#requests.endMs(number) >= since) recent.push(this.#requests.read(number));
    return rateEdges(recent);
  }

  clear(): void {
    for (const part of [this.#fleeting, this.#waiting, this.#hops, this.#traces, this.#requests, this.#familiar])
      part.clear();
  }

  #record(hop: HopRecord): void {
    const number = this.#hops.write(hop);
    this.#traces.add(number);
    if (hop.direction === 'outbound') this.#callFinished(hop, number);
    else this.#answerFinished(hop, number);
    for (const handler of this.#hopHandlers) handler(hop);
  }

  #callFinished(call: HopRecord, number: number): void {
    const { oldest, rows } = this.#hops;
    let newest: HopFacts | undefined;
    let near = 0;
    for (let at = this.#traces.before(number, oldest); at >= 0 && near < NEAR; near++) {
      if (rows.isChild(at, number)) {
        this.#waiting.remove(at);
        newest ??= this.#hops.facts(at);
      }
      at = this.#traces.before(at, oldest);
    }
    this.#complete(number, summarize(call, newest));
  }

  #answerFinished(answer: HopRecord, number: number): void {
    if (answer.parentSpanId === undefined || !mayHaveCaller(answer)) {
      this.#complete(number, summarize(undefined, answer));
      return;
    }
    const call = this.#callOf(number);
    if (call < 0) this.#waiting.add(number);
    // The caller gave up before: its request is known already, and now also who worked on it.
    else this.#requests.rewrite(this.#hops.requestOf(call), summarize(this.#hops.read(call)!, answer));
  }

  /** The call that came not long before its answer; -1: it has not come yet. */
  #callOf(answer: number): number {
    const { oldest, rows } = this.#hops;
    let near = 0;
    for (let at = this.#traces.before(answer, oldest); at >= 0 && near < NEAR; near++) {
      if (rows.isChild(answer, at)) return at;
      at = this.#traces.before(at, oldest);
    }
    return -1;
  }

  #complete(number: number, summary: RequestSummary): void {
    this.#hops.setRequest(number, this.#requests.write(summary));
    for (const handler of this.#handlers) handler(summary);
  }
}

/** False when the request's headers prove that no proxy sent it. Hops without recorded headers prove nothing. */
function mayHaveCaller({ request }: HopRecord): boolean {
  const list = request.flatHeaders ?? request.headers.flat();
  // From the end, where a proxy adds its own.
  for (let i = list.length - 2; i >= 0; i -= 2) if (PROXY_HEADERS.includes(list[i]!)) return true;
  return list.length === 0;
}

const callerFirst = (a: HopRecord, b: HopRecord): number =>
  a.spanId === b.parentSpanId ? -1 : b.spanId === a.parentSpanId ? 1 : 0;

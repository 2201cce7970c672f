import type { Clock, HopRecord } from '#domain';
import { CallerWait } from './caller-wait.ts';
import type { EdgeRate, HopStore, RequestSummary } from './doors.ts';
import { rateEdges } from './edges.ts';
import { type CompleteRequest, KeptHop, Traces } from './kept-hop.ts';
import { Newest } from './newest.ts';
import { summarize } from './summary.ts';

/** How long an inbound hop waits for the hop of its caller's proxy before it counts by itself. */
const CALLER_WAIT_MS = 10_000;
/** Request headers that only a client's proxy writes: where one is present, the caller's hop will come. */
const PROXY_HEADERS = new Set(['x-envoy-attempt-count', 'x-envoy-peer-metadata-id', 'x-envoy-decorator-operation']);

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

class BoundedHopStore implements HopStore {
  readonly #arrived: Newest<KeptHop>;
  /** Those with steps. */
  readonly #detailed: Newest<KeptHop>;
  readonly #traces = new Traces();
  /** In order of completion. */
  readonly #requests: Newest<CompleteRequest>;
  readonly #waiting: CallerWait;
  readonly #handlers = new Set<(request: RequestSummary) => void>();

  constructor({ capacity, clock, detailed = capacity }: HopStoreOptions) {
    this.#arrived = new Newest(capacity);
    this.#detailed = new Newest(detailed);
    this.#requests = new Newest(capacity);
    this.#waiting = new CallerWait({
      clock,
      waitMs: CALLER_WAIT_MS,
      onGivenUp: (kept) => this.#complete(kept, summarize(undefined, kept.hop)),
    });
  }

  record(hop: HopRecord): void {
    const kept = this.#keep(hop);
    if (hop.direction === 'outbound') this.#callFinished(kept);
    else this.#answerFinished(kept);
  }

  trace(traceId: string): readonly HopRecord[] {
    return this.#traces.list(traceId).sort((a, b) => a.startMs - b.startMs || callerFirst(a, b));
  }

  hop(spanId: string): HopRecord | undefined {
    return this.#arrived.list().findLast(({ hop }) => hop.spanId === spanId)?.hop;
  }

  requests(limit: number): readonly RequestSummary[] {
    return this.#requests.list(limit).map(({ summary }) => summary);
  }

  onRequest(handler: (request: RequestSummary) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  edges(windowMs: number, nowMs: number): readonly EdgeRate[] {
    const since = nowMs - windowMs;
    const all = this.#requests.list().map(({ summary }) => summary);
    return rateEdges(all.filter(({ startMs, durationMs }) => startMs + durationMs >= since));
  }

  clear(): void {
    this.#waiting.clear();
    for (const part of [this.#arrived, this.#detailed, this.#traces, this.#requests]) part.clear();
  }

  #callFinished(kept: KeptHop): void {
    const answers = this.#traces.answersTo(kept);
    for (const answer of answers) this.#waiting.remove(answer);
    this.#complete(kept, summarize(kept.hop, answers[0]?.hop));
  }

  #answerFinished(kept: KeptHop): void {
    const answer = kept.hop;
    const caller = answer.parentSpanId;
    if (caller === undefined || !mayHaveCaller(answer)) {
      this.#complete(kept, summarize(undefined, answer));
      return;
    }
    const call = this.#traces.callOf(kept, caller);
    if (call === undefined) this.#waiting.add(kept);
    // The caller gave up before: its request is known already, and now also who worked on it.
    else if (call.request !== undefined) call.request.summary = summarize(call.hop, answer);
  }

  #complete(kept: KeptHop, summary: RequestSummary): void {
    kept.request = { summary };
    this.#requests.push(kept.request);
    for (const handler of this.#handlers) handler(summary);
  }

  #keep(hop: HopRecord): KeptHop {
    const kept = new KeptHop(hop);
    this.#traces.add(kept);
    const oldest = this.#arrived.push(kept);
    if (oldest !== undefined) {
      this.#waiting.remove(oldest);
      this.#traces.removeFirst(oldest);
    }
    const thinned = isDetailed(hop) ? this.#detailed.push(kept) : undefined;
    if (thinned !== undefined) thinned.hop = withoutDetails(thinned.hop);
    return kept;
  }
}

const isDetailed = (hop: HopRecord): boolean => !(hop.thin ?? hop.steps.length === 0);

const withoutDetails = (hop: HopRecord): HopRecord =>
  hop.withoutDetails?.() ?? {
    ...hop,
    request: { ...hop.request, headers: [] },
    response: { ...hop.response, headers: [] },
    steps: [],
    thin: true,
  };

/** False when the request's headers prove that no proxy sent it. Hops without recorded headers prove nothing. */
const mayHaveCaller = ({ request }: HopRecord): boolean =>
  request.headers.length === 0 || request.headers.some(([name]) => PROXY_HEADERS.has(name));

const callerFirst = (a: HopRecord, b: HopRecord): number =>
  a.spanId === b.parentSpanId ? -1 : b.spanId === a.parentSpanId ? 1 : 0;

import type { FleetingHop, HopRecord } from '#domain';

/** What they hold on to survives young collections: with more of them, each collection takes longer. */
const PLACES = 32;
/** Requests that are remembered because one of their hops was recorded. */
const MOST_KEPT = 256;

/**
 * The newest hops of proxies that have more of them than anybody can look at. A hop becomes a record when somebody asks for its trace, or when
 * another hop of its request is recorded: whoever looks at a failure sees all proxies that it passed.
 */
export class FleetingRing {
  readonly #record: (hop: HopRecord) => void;
  readonly #places: (FleetingHop | undefined)[] = [];
  #came = 0;
  readonly #kept = new Set<string>();

  constructor(record: (hop: HopRecord) => void) {
    this.#record = record;
  }

  hold(hop: FleetingHop): void {
    if (this.#kept.size > 0 && this.#kept.has(hop.requestId)) this.#record(hop.record());
    else this.#places[this.#came++ % PLACES] = hop;
  }

  /** A hop of this request is about to be recorded: those that wait come before it, those that are still to come do not wait. */
  keep(requestId: string): void {
    if (this.#came === 0) return;
    if (this.#kept.size >= MOST_KEPT) this.#forgetOldest();
    this.#kept.add(requestId);
    this.#recordThose((hop) => hop.requestId === requestId);
  }

  /** Somebody looks for a trace. */
  find(traceId: string): void {
    this.#recordThose((hop) => hop.isOf(traceId));
  }

  clear(): void {
    this.#places.length = 0;
    this.#came = 0;
    this.#kept.clear();
  }

  /** The oldest first. */
  #recordThose(wanted: (hop: FleetingHop) => boolean): void {
    for (let i = 0; i < this.#places.length; i++) {
      const place = (this.#came + i) % this.#places.length;
      const hop = this.#places[place];
      if (hop === undefined || !wanted(hop)) continue;
      this.#places[place] = undefined;
      this.#record(hop.record());
    }
  }

  #forgetOldest(): void {
    for (const requestId of this.#kept) {
      this.#kept.delete(requestId);
      return;
    }
  }
}

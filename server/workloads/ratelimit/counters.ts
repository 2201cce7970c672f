import type { Clock } from '#domain';
import { type Entry, type Limit, UNIT_SECONDS } from './limits.ts';

/** What a limit says after some hits. */
export interface Count {
  readonly over: boolean;
  readonly remaining: number;
  /** Seconds until the window ends. */
  readonly resetSeconds: number;
}

/** Windows that are kept before those that have ended are thrown away. */
const SWEEP_AT = 10_000;

/** Counts hits in fixed windows that begin at whole multiples of the unit since 1970. */
export class Counters {
  readonly #clock: Clock;
  readonly #windows = new Map<string, { readonly endsAt: number; hits: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests are counted together when domain and all entries are the same, values included. */
  add(
    domain: string,
    entries: readonly Entry[],
    { limit, hits }: { readonly limit: Limit; readonly hits: number },
  ): Count {
    const seconds = UNIT_SECONDS[limit.unit];
    const now = Math.floor(this.#clock.now() / 1000);
    const startsAt = now - (now % seconds);
    const endsAt = startsAt + seconds;
    this.#sweep(now);
    const key = JSON.stringify([domain, entries.map(({ key, value }) => [key, value]), startsAt, limit.unit]);
    const window = this.#windows.get(key) ?? { endsAt, hits: 0 };
    window.hits += hits;
    this.#windows.set(key, window);
    const over = window.hits > limit.requestsPerUnit;
    return { over, remaining: over ? 0 : limit.requestsPerUnit - window.hits, resetSeconds: endsAt - now };
  }

  #sweep(now: number): void {
    if (this.#windows.size < SWEEP_AT) return;
    for (const [key, { endsAt }] of this.#windows) if (endsAt <= now) this.#windows.delete(key);
  }
}

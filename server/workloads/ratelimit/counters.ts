import { createHash } from 'node:crypto';
import type { Clock } from '#domain';
import { type Entry, type Limit, UNIT_SECONDS } from './limits.ts';

/** What a limit says after some hits. */
export interface Count {
  readonly over: boolean;
  readonly remaining: number;
  /** Seconds until the window ends. */
  readonly resetSeconds: number;
  /** Hits of this window before these. */
  readonly before: number;
}

/** Windows that are kept: where there are more values, those that nobody has asked for longest begin anew. */
const MOST_WINDOWS = 10_000;
/** Longer keys are kept by their hash. */
const MOST_KEY_LENGTH = 256;

/** Counts hits in fixed windows that begin at whole multiples of the unit since 1970. */
export class Counters {
  readonly #clock: Clock;
  /** Hits by window; the one that was asked for last stands last. */
  readonly #windows = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#windows.size;
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
    const text = JSON.stringify([domain, entries.map(({ key, value }) => [key, value]), startsAt, limit.unit]);
    const key = text.length > MOST_KEY_LENGTH ? createHash('sha256').update(text).digest('base64') : text;
    const before = this.#windows.get(key) ?? 0;
    const all = before + hits;
    this.#windows.delete(key);
    this.#windows.set(key, all);
    if (this.#windows.size > MOST_WINDOWS) this.#forgetOldest();
    const over = all > limit.requestsPerUnit;
    const remaining = over ? 0 : limit.requestsPerUnit - all;
    return { over, remaining, resetSeconds: startsAt + seconds - now, before };
  }

  #forgetOldest(): void {
    for (const oldest of this.#windows.keys()) {
      this.#windows.delete(oldest);
      return;
    }
  }
}

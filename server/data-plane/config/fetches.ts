import type { Clock, Timer } from '#domain';
import type { Awaited } from './awaited.ts';

interface Fetch {
  readonly timer: Timer | undefined;
  over: boolean;
}

/** How long each resource that is named has been waited for. Source: `initial_fetch_timeout` of Envoy's subscriptions. */
export class Fetches {
  /** Timeouts by resource, for statistics; see `fetchKey`. */
  readonly timeouts = new Map<string, number>();
  readonly #fetches = new Map<string, Fetch>();
  readonly #clock: Clock;
  readonly #onTimeout: () => void;

  constructor(clock: Clock, onTimeout: () => void) {
    this.#clock = clock;
    this.#onTimeout = onTimeout;
  }

  /** Forgets all but what is `missing`, and waits for what is `needed` of it; a wait that has begun, or is over, is not begun again. */
  follow(missing: readonly Awaited[], needed: readonly Awaited[]): void {
    const keys = new Set(missing.map(fetchKey));
    for (const key of this.#fetches.keys()) if (!keys.has(key)) this.#forget(key);
    for (const awaited of needed) if (!this.#fetches.has(fetchKey(awaited))) this.#begin(awaited);
  }

  arrived(resource: Pick<Awaited, 'typeUrl' | 'name'>): void {
    this.#forget(fetchKey(resource));
  }

  /** It came and cannot be used: as in Envoy, nothing waits for a better one. */
  refused(resource: Pick<Awaited, 'typeUrl' | 'name'>): void {
    const fetch = this.#fetches.get(fetchKey(resource));
    fetch?.timer?.cancel();
    if (fetch !== undefined) fetch.over = true;
  }

  /** Whether it has been waited for long enough. */
  isOver(awaited: Awaited): boolean {
    return this.#fetches.get(fetchKey(awaited))?.over === true;
  }

  stop(): void {
    this.follow([], []);
  }

  #forget(key: string): void {
    this.#fetches.get(key)?.timer?.cancel();
    this.#fetches.delete(key);
  }

  #begin(awaited: Awaited): void {
    const key = fetchKey(awaited);
    const fetch: Fetch = {
      over: false,
      timer: awaited.withinMs === 0 ? undefined : this.#clock.after(awaited.withinMs, () => this.#end(key, fetch)),
    };
    this.#fetches.set(key, fetch);
  }

  #end(key: string, fetch: Fetch): void {
    fetch.over = true;
    this.timeouts.set(key, (this.timeouts.get(key) ?? 0) + 1);
    this.#onTimeout();
  }
}

export const fetchKey = ({ typeUrl, name }: Pick<Awaited, 'typeUrl' | 'name'>): string => `${typeUrl} ${name}`;

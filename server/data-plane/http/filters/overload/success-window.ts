import type { Clock } from '#domain';

interface Second {
  readonly beganAt: number;
  requests: number;
  successes: number;
}

export interface SuccessCounts {
  readonly requests: number;
  readonly successes: number;
}

const SECOND_MS = 1000;

/** How many requests of the last seconds succeeded. Source: ThreadLocalControllerImpl in Envoy's admission control. */
export class SuccessWindow {
  readonly #clock: Clock;
  readonly #windowSeconds: number;
  /** The oldest first. */
  readonly #seconds: Second[] = [];
  #requests = 0;
  #successes = 0;

  constructor(windowSeconds: number, clock: Clock) {
    this.#windowSeconds = windowSeconds;
    this.#clock = clock;
  }

  record(success: boolean): void {
    const second = this.#current();
    second.requests++;
    this.#requests++;
    if (!success) return;
    second.successes++;
    this.#successes++;
  }

  get counts(): SuccessCounts {
    this.#current();
    return { requests: this.#requests, successes: this.#successes };
  }

  /** Whole requests a second. As in Envoy, what is too old by now still counts until somebody asks for the counts. */
  get averageRps(): number {
    const [oldest] = this.#seconds;
    if (oldest === undefined || this.#requests === 0) return 0;
    const age = Math.floor((this.#clock.monotonic() - oldest.beganAt) / SECOND_MS);
    return Math.floor(this.#requests / Math.max(this.#windowSeconds, age));
  }

  #current(): Second {
    const now = this.#clock.monotonic();
    let [oldest] = this.#seconds;
    while (oldest !== undefined && now - oldest.beganAt >= this.#windowSeconds * SECOND_MS) {
      this.#requests -= oldest.requests;
      this.#successes -= oldest.successes;
      this.#seconds.shift();
      [oldest] = this.#seconds;
    }
    const newest = this.#seconds.at(-1);
    if (newest !== undefined && now - newest.beganAt < SECOND_MS) return newest;
    const second: Second = { beganAt: now, requests: 0, successes: 0 };
    this.#seconds.push(second);
    return second;
  }
}

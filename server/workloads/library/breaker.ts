import type { Clock } from '#domain';
import type { CalleeSettings } from './settings.ts';

type BreakerSettings = NonNullable<NonNullable<CalleeSettings['resilience4j']>['circuitBreaker']>;
type State = 'CLOSED' | 'OPEN' | 'HALF_OPEN';

/** The call was not made: the breaker is open. */
export class CallNotPermitted extends Error {
  constructor(name: string) {
    super(`CircuitBreaker '${name}' is OPEN and does not permit further calls`);
    this.name = 'CallNotPermitted';
  }
}

/**
 * Resilience4j's count-based circuit breaker: it opens when the window holds enough calls and enough of them failed, lets some trial
 * calls through after its wait, and closes or opens again by their failures.
 */
export class Breaker {
  state: State = 'CLOSED';
  readonly #name: string;
  readonly #settings: BreakerSettings;
  readonly #clock: Clock;
  readonly #onChange: (text: string) => void;
  #window: boolean[] = [];
  #trials = 0;
  #openedAt = 0;

  constructor(
    name: string,
    options: { readonly settings: BreakerSettings; readonly clock: Clock; readonly onChange: (text: string) => void },
  ) {
    this.#name = name;
    this.#settings = options.settings;
    this.#clock = options.clock;
    this.#onChange = options.onChange;
  }

  /** Throws CallNotPermitted when no call may be made now. */
  acquire(): void {
    if (this.state === 'OPEN') {
      if (this.#clock.monotonic() - this.#openedAt < this.#settings.waitDurationInOpenState)
        throw new CallNotPermitted(this.#name);
      this.#move('HALF_OPEN');
    }
    if (this.state !== 'HALF_OPEN') return;
    if (this.#trials >= this.#settings.permittedNumberOfCallsInHalfOpenState) throw new CallNotPermitted(this.#name);
    this.#trials += 1;
  }

  done(failed: boolean): void {
    if (this.state === 'OPEN') return;
    const { permittedNumberOfCallsInHalfOpenState: trials, slidingWindowSize, minimumNumberOfCalls } = this.#settings;
    this.#window.push(failed);
    if (this.#window.length > slidingWindowSize) this.#window.shift();
    const enough = this.state === 'HALF_OPEN' ? trials : Math.min(minimumNumberOfCalls, slidingWindowSize);
    if (this.#window.length < enough) return;
    const rate = (100 * this.#window.filter(Boolean).length) / this.#window.length;
    if (rate >= this.#settings.failureRateThreshold) this.#move('OPEN');
    else if (this.state === 'HALF_OPEN') this.#move('CLOSED');
  }

  #move(state: State): void {
    this.#onChange(`CircuitBreaker '${this.#name}' changed state from ${this.state} to ${state}`);
    this.state = state;
    this.#window = [];
    this.#trials = 0;
    if (state === 'OPEN') this.#openedAt = this.#clock.monotonic();
  }
}

import type { Clock, Random } from '#domain';
import type { GradientConfig } from '../../../config/filters/adaptive-concurrency.ts';
import { Histogram } from '../../../stats/histogram.ts';

/** Windows in a row in which the limit may stay at its least before the round trip is measured anew. */
const PATIENCE = 5;

/** What the controller tells of itself, in Envoy's units. */
export interface GradientFigures {
  readonly burst_queue_size: number;
  readonly concurrency_limit: number;
  /** Times 1,000. */
  readonly gradient: number;
  readonly min_rtt_calculation_active: number;
  readonly min_rtt_msecs: number;
  readonly sample_rtt_msecs: number;
}

/**
 * How many requests may be under way at once, by how long they take: the least round trip is measured now and then while few are let through, and
 * what requests take meanwhile is held against it. Needs no timers: what was due by now is done when somebody asks. Source:
 * GradientController in Envoy.
 */
export class GradientController {
  readonly #config: GradientConfig;
  readonly #clock: Clock;
  readonly #random: Random;
  #samples = new Histogram();
  #limit: number;
  /** The limit to come back to, while the round trip is measured; 0: it is not. */
  #deferred = 0;
  #underWay = 0;
  #minRttUs = 0;
  #sampleRttUs = 0;
  #gradient = 0;
  #headroom = 0;
  #atLeast = 0;
  /** Requests that began before are not measured. */
  #measuresFrom = 0;
  /** Windows of samples end at this time, and at every interval after it. */
  #windowsFrom: number;
  /** When the round trip is measured next. */
  #measureAt = Number.POSITIVE_INFINITY;

  constructor(config: GradientConfig, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#config = config;
    this.#clock = clock;
    this.#random = random;
    this.#limit = config.leastConcurrent;
    const now = clock.monotonic();
    this.#windowsFrom = now + config.updateIntervalMs;
    if (config.fixedMinRttMs === undefined) this.#beginMeasuring(now);
    else this.#minRttUs = Math.floor(config.fixedMinRttMs * 1000);
  }

  /** The time at which a request begins; undefined: too many are under way. */
  enter(): number | undefined {
    const now = this.#catchUp();
    if (this.#underWay >= this.#limit) return undefined;
    this.#underWay++;
    return now;
  }

  /** A request that began then has its whole answer. */
  record(beganAt: number): void {
    const now = this.#catchUp();
    this.#underWay--;
    if (beganAt < this.#measuresFrom) return;
    this.#samples.record((now - beganAt) * 1000);
    if (this.#deferred > 0 && this.#samples.count >= this.#config.minRttRequests) this.#endMeasuring(now);
  }

  /** A request has ended without its whole answer. */
  cancel(): void {
    this.#underWay--;
  }

  get underWay(): number {
    return this.#underWay;
  }

  get figures(): GradientFigures {
    this.#catchUp();
    return {
      burst_queue_size: Math.floor(this.#headroom),
      concurrency_limit: this.#limit,
      gradient: Math.floor(this.#gradient * 1000),
      min_rtt_calculation_active: this.#deferred > 0 ? 1 : 0,
      min_rtt_msecs: Math.floor(this.#minRttUs / 1000),
      sample_rtt_msecs: Math.floor(this.#sampleRttUs / 1000),
    };
  }

  /** Does what was due by now, in its turn. */
  #catchUp(): number {
    const now = this.#clock.monotonic();
    for (let due = this.#nextDue(); due <= now; due = this.#nextDue()) {
      if (due === this.#measureAt) this.#beginMeasuring(due);
      else this.#endWindow(due);
    }
    if (this.#deferred === 0 && this.#windowsFrom <= now) this.#windowsFrom = this.#nextWindow(now);
    return now;
  }

  /** A window without samples changes nothing, and none ends while the round trip is measured. */
  #nextDue(): number {
    if (this.#deferred > 0) return Number.POSITIVE_INFINITY;
    return this.#samples.count === 0 ? this.#measureAt : Math.min(this.#measureAt, this.#windowsFrom);
  }

  #nextWindow(now: number): number {
    const { updateIntervalMs } = this.#config;
    return this.#windowsFrom + (Math.floor((now - this.#windowsFrom) / updateIntervalMs) + 1) * updateIntervalMs;
  }

  #beginMeasuring(now: number): void {
    this.#measureAt = Number.POSITIVE_INFINITY;
    this.#deferred = this.#limit;
    this.#setLimit(this.#config.leastConcurrent, now);
    this.#samples = new Histogram();
    this.#measuresFrom = now;
  }

  #endMeasuring(now: number): void {
    const { jitter, minRttIntervalMs, updateIntervalMs } = this.#config;
    this.#minRttUs = this.#takeSamples();
    this.#setLimit(this.#deferred, now);
    this.#deferred = 0;
    const jitterMs = jitter === 0 ? 0 : this.#random.below(Math.ceil(minRttIntervalMs * jitter));
    this.#measureAt = now + minRttIntervalMs + jitterMs;
    this.#windowsFrom = now + updateIntervalMs;
  }

  #endWindow(at: number): void {
    this.#windowsFrom = at + this.#config.updateIntervalMs;
    this.#sampleRttUs = this.#takeSamples();
    this.#setLimit(this.#newLimit(), at);
  }

  #newLimit(): number {
    const { buffer, leastConcurrent, mostConcurrent } = this.#config;
    const wanted = (this.#minRttUs + this.#minRttUs * buffer) / this.#sampleRttUs;
    this.#gradient = Math.max(0.5, Math.min(2, Number.isNaN(wanted) ? 2 : wanted));
    const limit = this.#limit * this.#gradient;
    this.#headroom = Math.sqrt(limit);
    return Math.max(leastConcurrent, Math.min(mostConcurrent, Math.floor(limit + this.#headroom)));
  }

  #takeSamples(): number {
    const value = Math.floor(this.#samples.quantile(this.#config.quantile));
    this.#samples = new Histogram();
    return value;
  }

  /** A limit that stays at its least may come of a round trip that was measured wrong. */
  #setLimit(limit: number, now: number): void {
    const { fixedMinRttMs, leastConcurrent } = this.#config;
    const stays = this.#deferred === 0 && this.#limit === leastConcurrent && limit === leastConcurrent;
    this.#limit = limit;
    this.#atLeast = stays ? this.#atLeast + 1 : 0;
    if (this.#atLeast >= PATIENCE && fixedMinRttMs === undefined) this.#measureAt = now;
  }
}

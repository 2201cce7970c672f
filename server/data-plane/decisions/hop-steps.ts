import {
  asIs,
  type Clock,
  type DecisionStage,
  type DecisionStep,
  type StepNote,
  type StepTape,
  TAPE_PLACES,
  type Words,
  wordSteps,
} from '#domain';
import { turnTime } from '../http/end-of-turn.ts';
import type { ConnectionSteps } from './connection-steps.ts';

export type { StepNote } from '#domain';

export interface HopRecording {
  readonly clock: Clock;
  /** Monotonic time of the hop's beginning. */
  readonly startedAt: number;
  /** What was decided before the request came. */
  readonly before: ConnectionSteps;
  /** The proxy is busy: what is done in one turn of the loop is told as done at one time. */
  readonly hurried?: boolean;
  /** Its record may be forgotten soon, where nothing went wrong. */
  readonly fleeting?: boolean;
}

const NO_VALUES: readonly unknown[] = [];

/**
 * The steps of one hop. When `on` is false nothing is kept, and callers on the way of every request make no notes. What is kept of a
 * recorded hop must be small, because it outlives its request: values on a tape, no words.
 */
export class HopSteps {
  /** The steps of every hop that is not recorded. */
  static readonly off = new HopSteps(undefined);

  readonly on: boolean;
  /** Whoever has them is recorded, however it ends. */
  readonly kept: boolean;
  #attempt = 0;
  readonly #recording: HopRecording | undefined;
  readonly #tape: unknown[] = [];

  constructor(recording: HopRecording | undefined) {
    this.on = recording !== undefined;
    this.kept = recording !== undefined && recording.fleeting !== true;
    this.#recording = recording;
  }

  /** The try that later steps belong to; 0 before the first. */
  enterAttempt(attempt: number): void {
    if (this.on) this.#attempt = attempt;
  }

  /** A step whose note is made when the hop ends. */
  add(stage: DecisionStage, outcome: DecisionStep['outcome'], name: string, note?: () => StepNote): void {
    if (this.on) this.#tape.push(stage, outcome, name, this.#atUs(), this.#attempt, note, undefined);
  }

  /**
   * A step on the way of every request: its words are made when somebody looks, perhaps minutes later. So `values` must be plain values, or
   * parts of the configuration, which never change.
   */
  say<Values extends readonly unknown[]>(
    stage: DecisionStage,
    outcome: DecisionStep['outcome'],
    name: string,
    words: Words<Values>,
    ...values: Values
  ): void {
    if (this.on) this.#tape.push(stage, outcome, name, this.#atUs(), this.#attempt, words, values);
  }

  /** Monotonic milliseconds, as exactly as steps tell them. */
  nowMs(): number {
    const { clock, hurried } = this.#recording!;
    return hurried === true ? turnTime(clock) : clock.monotonic();
  }

  #atUs(): number {
    return Math.max(0, Math.round((this.nowMs() - this.#recording!.startedAt) * 1000));
  }

  /** The hop is over. */
  end(): StepTape {
    const tape = this.#tape;
    for (let i = 5; i < tape.length; i += TAPE_PLACES) {
      if (tape[i + 1] !== undefined) continue;
      const note = tape[i] as (() => StepNote) | undefined;
      tape[i] = note && asIs;
      tape[i + 1] = note === undefined ? NO_VALUES : [note()];
    }
    return { before: this.#recording?.before.build() ?? [], entries: tape };
  }

  build(): readonly DecisionStep[] {
    return wordSteps(this.end());
  }
}

/** Hops in a row that are recorded with all their steps: more than the checks of any lab send through one proxy, one after the other. */
const BURST = 3000;
/** And so many a second after that: more than any lab's steady traffic, so that every answer can be explained. */
const PER_SECOND = 500;
/** Fewer while a proxy is busy, and for a while after it: whoever measures how much it can do pauses now and then. */
const BUSY_PER_SECOND = 100;
const BUSY_REST_MS = 10_000;
/** Beyond those, one trace in this many is recorded, in every proxy that it passes. */
export const TRACES_OF = 16;
/** And one in this many where there are more hops a second than `BUSY`: each record outlives young collections. */
export const BUSY_TRACES_OF = 256;
const BUSY = 2000;
/** How the ids end of the traces that are. */
const ENDINGS: Readonly<Record<number, string>> = { [TRACES_OF]: '0', [BUSY_TRACES_OF]: '00' };

/** Decides which hops are recorded, so that recording never dominates a busy proxy. */
export class StepSampler {
  readonly #clock: Clock;
  #left = BURST;
  #at = 0;
  #second = 0;
  /** Hops of this second, and of the one before. */
  #count = 0;
  #before = 0;
  #restedAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the hop that begins now keeps its steps. */
  next(nowMs = this.#clock.monotonic()): boolean {
    const perSecond = nowMs < this.#restedAt ? BUSY_PER_SECOND : PER_SECOND;
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#at) * perSecond) / 1000);
    this.#at = nowMs;
    this.#countIn(Math.floor(nowMs / 1000));
    if (this.#count > BUSY) this.#restedAt = nowMs + BUSY_REST_MS;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  #countIn(second: number): void {
    if (second !== this.#second) {
      this.#before = second === this.#second + 1 ? this.#count : 0;
      this.#second = second;
      this.#count = 0;
    }
    this.#count++;
  }

  /** More hops pass in a second than anybody can look at. */
  get busy(): boolean {
    return this.#count > BUSY || this.#before > BUSY;
  }

  /** How many traces one that is recorded now stands for. */
  get tracesOf(): number {
    return this.busy ? BUSY_TRACES_OF : TRACES_OF;
  }

  /** Whether a hop without steps is recorded; it then stands for `tracesOf`. All proxies choose the same traces. */
  static keepsTrace(traceId: string, tracesOf: number): boolean {
    return traceId.endsWith(ENDINGS[tracesOf] ?? '');
  }
}

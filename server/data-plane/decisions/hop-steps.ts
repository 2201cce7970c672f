import type { Clock, DecisionStage, DecisionStep, Origin, RejectedCandidate } from '#domain';

/** What a step says beyond its name; made only when the hop is recorded. */
export interface StepNote {
  readonly detail?: string | undefined;
  readonly origin?: Origin | undefined;
  readonly rejected?: readonly RejectedCandidate[] | undefined;
  readonly evidence?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** A step as the deciding code leaves it: the words are made later, from values that no longer change. */
export interface StepDraft {
  readonly stage: DecisionStage;
  readonly outcome: DecisionStep['outcome'];
  readonly name: string;
  readonly atMs: number;
  readonly attempt: number;
  readonly note: (() => StepNote) | undefined;
  /** The worded step of a draft that several hops begin with: the same object in all of them. */
  shared?: DecisionStep;
}

export interface HopRecording {
  readonly clock: Clock;
  /** Monotonic time of the hop's beginning. */
  readonly startedAt: number;
  /** What was decided before the request came. */
  readonly before: readonly StepDraft[];
}

/** The steps of one hop. When `on` is false nothing is kept, and callers on the way of every request make no notes. */
export class HopSteps {
  /** The steps of every hop that is not recorded. */
  static readonly off = new HopSteps(undefined);

  readonly on: boolean;
  #attempt = 0;
  readonly #recording: HopRecording | undefined;
  readonly #drafts: StepDraft[] = [];

  constructor(recording: HopRecording | undefined) {
    this.on = recording !== undefined;
    this.#recording = recording;
  }

  /** The try that later steps belong to; 0 before the first. */
  enterAttempt(attempt: number): void {
    if (this.on) this.#attempt = attempt;
  }

  add(stage: DecisionStage, outcome: DecisionStep['outcome'], name: string, note?: () => StepNote): void {
    if (this.#recording === undefined) return;
    const atMs = this.#recording.clock.monotonic() - this.#recording.startedAt;
    this.#drafts.push({ stage, outcome, name, atMs, attempt: this.#attempt, note });
  }

  build(): DecisionStep[] {
    const steps: DecisionStep[] = [];
    for (const draft of this.#recording?.before ?? []) {
      draft.shared ??= finish(draft);
      steps.push(draft.shared);
    }
    for (const draft of this.#drafts) steps.push(finish(draft));
    return steps;
  }
}

function finish(draft: StepDraft): DecisionStep {
  const { stage, outcome, name, attempt } = draft;
  const step: { -readonly [Key in keyof DecisionStep]: DecisionStep[Key] } = {
    stage,
    outcome,
    name,
    atMs: Math.round(draft.atMs * 1000) / 1000,
  };
  if (attempt > 0) step.attempt = attempt;
  const note = draft.note?.();
  if (note === undefined) return step;
  const { detail, origin, rejected, evidence } = note;
  if (detail !== undefined) step.detail = detail;
  if (origin !== undefined) step.origin = origin;
  if (rejected !== undefined && rejected.length > 0) step.rejected = rejected;
  if (evidence !== undefined) step.evidence = evidence;
  return step;
}

/** Hops a second that are recorded with all their steps: more than any lab sends, so that every answer can be explained. */
const FULL_RATE = 1000;
/** Above that rate, one trace in this many is recorded, in every proxy that it passes. */
export const TRACES_OF = 16;
/** The last digit of the traces that are. */
const RECORDED_DIGIT = '0';

/** Decides which hops are recorded, so that recording never dominates a busy proxy. */
export class StepSampler {
  readonly #clock: Clock;
  #second = 0;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the hop that begins now keeps its steps. */
  next(nowMs = this.#clock.monotonic()): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    this.#count++;
    return this.#count <= FULL_RATE;
  }

  /** Whether a hop without steps is recorded; it then stands for `TRACES_OF`. All proxies choose the same traces. */
  static keepsTrace(traceId: string): boolean {
    return traceId.endsWith(RECORDED_DIGIT);
  }
}

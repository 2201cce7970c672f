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
}

/** The steps of one hop. When `on` is false nothing is kept, and callers make no notes. */
export class HopSteps {
  readonly on: boolean;
  /** The try that later steps belong to; 0 before the first. */
  attempt = 0;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #drafts: StepDraft[];

  constructor(options: { clock: Clock; startedAt: number; on: boolean; before: readonly StepDraft[] }) {
    this.on = options.on;
    this.#clock = options.clock;
    this.#startedAt = options.startedAt;
    this.#drafts = options.on ? [...options.before] : [];
  }

  add(stage: DecisionStage, outcome: DecisionStep['outcome'], name: string, note?: () => StepNote): void {
    if (!this.on) return;
    const atMs = this.#clock.monotonic() - this.#startedAt;
    this.#drafts.push({ stage, outcome, name, atMs, attempt: this.attempt, note });
  }

  build(): DecisionStep[] {
    return this.#drafts.map(finish);
  }
}

function finish(draft: StepDraft): DecisionStep {
  const note = draft.note?.() ?? {};
  return {
    stage: draft.stage,
    outcome: draft.outcome,
    name: draft.name,
    atMs: Math.round(draft.atMs * 1000) / 1000,
    ...(draft.attempt > 0 && { attempt: draft.attempt }),
    ...(note.detail !== undefined && { detail: note.detail }),
    ...(note.origin !== undefined && { origin: note.origin }),
    ...(note.rejected !== undefined && note.rejected.length > 0 && { rejected: note.rejected }),
    ...(note.evidence !== undefined && { evidence: note.evidence }),
  };
}

/** Hops a second that are recorded with all their steps: more than any lab sends, so that every answer can be explained. */
const FULL_RATE = 2000;
/** Above that rate, one hop in this many keeps its steps. */
const SAMPLE_OF = 20;

/** Decides which hops keep their steps, so that recording never dominates a busy proxy. */
export class StepSampler {
  readonly #clock: Clock;
  #second = 0;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): boolean {
    const second = Math.floor(this.#clock.monotonic() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    this.#count++;
    return this.#count <= FULL_RATE || this.#count % SAMPLE_OF === 0;
  }
}

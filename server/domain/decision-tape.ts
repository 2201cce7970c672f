import type { DecisionStage, DecisionStep, RejectedCandidate } from './decision.ts';
import type { Origin } from './diagnostic.ts';

/** What a step says beyond its name. */
export interface StepNote {
  readonly detail?: string | undefined;
  readonly origin?: Origin | undefined;
  readonly rejected?: readonly RejectedCandidate[] | undefined;
  readonly evidence?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** Makes the words of a step from values that it was given. */
export type Words<Values extends readonly unknown[]> = (...values: Values) => StepNote;

/** The steps of a hop that is over, before they are put in words. */
export interface StepTape {
  /** Decided before the request came: the same list in all hops of a connection. */
  readonly before: readonly DecisionStep[];
  /** `TAPE_PLACES` entries for each step, in the order of `TapedStep`. */
  readonly entries: readonly unknown[];
}

/** Places that a step takes on a tape. */
export const TAPE_PLACES = 7;

export type TapedStep = [
  stage: DecisionStage,
  outcome: DecisionStep['outcome'],
  name: string,
  /** Microseconds after the hop began. */
  atUs: number,
  attempt: number,
  /** `asIs` where the one value is the note itself; undefined for a step that says no more than its name. */
  words: Words<readonly unknown[]> | undefined,
  values: readonly unknown[],
];

/** The words of a note that was made when the hop ended. */
export const asIs: Words<readonly unknown[]> = (note) => note as StepNote;

/** Puts steps in words. */
export function wordSteps({ before, entries }: StepTape): readonly DecisionStep[] {
  const steps = [...before];
  for (let i = 0; i < entries.length; i += TAPE_PLACES) {
    const [stage, outcome, name, atUs, attempt, words, values] = entries.slice(i, i + TAPE_PLACES) as TapedStep;
    steps.push(wordStep({ stage, outcome, name, attempt, atMs: atUs / 1000 }, words?.(...values)));
  }
  return steps;
}

type Bare = Pick<DecisionStep, 'stage' | 'outcome' | 'name' | 'atMs'> & { readonly attempt: number };

/** `attempt` is 0 before the first try. */
export function wordStep({ stage, outcome, name, attempt, atMs }: Bare, note: StepNote | undefined): DecisionStep {
  const step: { -readonly [Key in keyof DecisionStep]: DecisionStep[Key] } = {
    stage,
    outcome,
    name,
    atMs: Math.round(atMs * 1000) / 1000,
  };
  if (attempt > 0) step.attempt = attempt;
  if (note === undefined) return step;
  const { detail, origin, rejected, evidence } = note;
  if (detail !== undefined) step.detail = detail;
  if (origin !== undefined) step.origin = origin;
  if (rejected !== undefined && rejected.length > 0) step.rejected = rejected;
  if (evidence !== undefined) step.evidence = evidence;
  return step;
}

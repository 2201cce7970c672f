import type { HintView } from '#contract';
import type { CheckSpec, LabSpec } from './lab-schema.ts';
import { type ProbeContext, stateHolds } from './probes/state.ts';

type Wrong = LabSpec['wrong'][number];

/** The named wrong answer that the mesh shows now, if any. */
export function detectWrong(spec: LabSpec, context: ProbeContext): Wrong | undefined {
  return spec.wrong.find((wrong) => stateHolds(wrong.detect, context));
}

/**
 * The next hint: when the mesh shows a known wrong answer, a question about the belief behind it; else the next rung of the ladder
 * of the first check that is not met (a question, where to look, a worked sibling). The first two begin with what that check has seen.
 */
export function nextHint(
  check: CheckSpec | undefined,
  opened: number,
  wrong: Wrong | undefined,
  seen?: string,
): HintView | undefined {
  if (wrong)
    return { number: 0, of: check?.hints.length ?? 0, text: wrong.question, belief: wrong.belief, last: false };
  if (!check) return undefined;
  const number = Math.min(opened + 1, check.hints.length);
  const last = number === check.hints.length;
  const step = check.hints[number - 1] ?? '';
  return { number, of: check.hints.length, text: seen === undefined || last ? step : `${seen} ${step}`, last };
}

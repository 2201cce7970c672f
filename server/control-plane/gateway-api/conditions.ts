import { compareText } from '../snapshot/config.ts';

/** Why something is not in force: a condition's reason and message. */
export interface Fault {
  readonly reason: string;
  readonly message: string;
}

/** What a condition is to say, without the time and generation that it gets when it is written. */
export interface WantedCondition extends Fault {
  readonly type: string;
  readonly status: 'True' | 'False';
}

/** A condition as it stands in a status (metav1.Condition). */
export interface Condition extends WantedCondition {
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

interface Judgement {
  /** Reason and message when nothing is wrong. */
  readonly good: Fault;
  readonly fault?: Fault | undefined;
  /** Status when nothing is wrong; absent: True. A fault turns it round. */
  readonly goodStatus?: 'True' | 'False';
}

/** The conditions of an object, by type, in the order in which Istio writes them. */
export function judge(judgements: Readonly<Record<string, Judgement>>): WantedCondition[] {
  return Object.entries(judgements)
    .sort(([a], [b]) => compareText(a, b))
    .map(([type, { good, fault, goodStatus = 'True' }]) => {
      const badStatus = goodStatus === 'True' ? 'False' : 'True';
      return { type, status: fault === undefined ? goodStatus : badStatus, ...(fault ?? good) };
    });
}

/** Both faults as one: the first one's reason, both messages. */
export function joinFaults(first: Fault | undefined, second: Fault | undefined): Fault | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return { reason: first.reason, message: `${first.message}; ${second.message}` };
}

/**
 * The present conditions with the wanted ones put in. Conditions of other types stay; a time changes only with the status, and a
 * condition that says the same of the same generation stays as it is. Source: kstatus in istio pilot.
 */
export function mergeConditions(
  present: readonly Condition[],
  wanted: readonly WantedCondition[],
  { generation, now }: { readonly generation: number | undefined; readonly now: string },
): readonly Condition[] {
  const merged = [...present];
  for (const { type, status, reason, message } of wanted) {
    const position = merged.findIndex((condition) => condition.type === type);
    const old = merged[position];
    const same = old?.message === message && old.reason === reason && old.observedGeneration === generation;
    if (old?.status === status && same) continue;
    const condition: Condition = {
      type,
      status,
      ...(generation !== undefined && { observedGeneration: generation }),
      lastTransitionTime: old?.status === status ? old.lastTransitionTime : now,
      reason,
      message,
    };
    if (old === undefined) merged.push(condition);
    else merged[position] = condition;
  }
  return merged;
}

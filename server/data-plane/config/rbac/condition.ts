import type { RbacSubject } from './subject.ts';

/** A permission or a principal, compiled. `holds` decides; the others put a refusal in a learner's words. */
export interface RbacCondition {
  readonly holds: (subject: RbacSubject) => boolean;
  /** What it asks for: `method to be exactly "GET"`. */
  readonly wanted: string;
  /** The least that would have to be different; asked only where it does not hold. */
  readonly misses: (subject: RbacSubject) => readonly string[];
  /** What it saw; asked only where it holds and should not have. */
  readonly seen: (subject: RbacSubject) => string;
}

/** A condition on one value. */
export function leaf(options: {
  readonly holds: (subject: RbacSubject) => boolean;
  /** `method` */
  readonly name: string;
  /** `exactly "GET"` */
  readonly wanted: string;
  readonly value: (subject: RbacSubject) => string | undefined;
}): RbacCondition {
  const { name, wanted, value } = options;
  const seen = (subject: RbacSubject): string => {
    const given = value(subject);
    return given === undefined || given === '' ? `there is no ${name}` : `${name} is "${given}"`;
  };
  return {
    holds: options.holds,
    wanted: `${name} to be ${wanted}`,
    misses: (subject) => [`needs ${name} to be ${wanted}, ${seen(subject)}`],
    seen,
  };
}

export const ALWAYS_HOLDS: RbacCondition = {
  holds: () => true,
  wanted: 'anything',
  misses: () => [],
  seen: () => 'everything is meant',
};

export const allOf = (conditions: readonly RbacCondition[]): RbacCondition => ({
  holds: (subject) => conditions.every((one) => one.holds(subject)),
  wanted: conditions.map((one) => one.wanted).join(' and '),
  misses: (subject) => conditions.filter((one) => !one.holds(subject)).flatMap((one) => one.misses(subject)),
  seen: (subject) => conditions.map((one) => one.seen(subject)).join(' and '),
});

export const anyOf = (conditions: readonly RbacCondition[]): RbacCondition => ({
  holds: (subject) => conditions.some((one) => one.holds(subject)),
  wanted: conditions.map((one) => one.wanted).join(' or '),
  misses: (subject) => closest(conditions.map((one) => one.misses(subject))),
  seen: (subject) => conditions.find((one) => one.holds(subject))?.seen(subject) ?? '',
});

export const not = (condition: RbacCondition): RbacCondition => ({
  holds: (subject) => !condition.holds(subject),
  wanted: `not ${condition.wanted}`,
  misses: (subject) => [`refuses ${condition.wanted}, and ${condition.seen(subject)}`],
  seen: (subject) => condition.misses(subject).join(' and '),
});

/** The shortest list; the first of several. */
export function closest(lists: readonly (readonly string[])[]): readonly string[] {
  return lists.reduce((best, list) => (list.length < best.length ? list : best), lists[0] ?? []);
}

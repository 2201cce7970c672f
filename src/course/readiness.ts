import type { CourseData } from './schemas.ts';

/** What can show that an objective is reached: ids of cards, of checks as `<lab>/<check>`, and of interview questions. */
export interface ObjectiveEvidence {
  readonly id: string;
  readonly text: string;
  readonly day: number;
  readonly cards: readonly string[];
  readonly checks: readonly string[];
  readonly drills: readonly string[];
}

export interface DayEvidence {
  readonly day: number;
  readonly title: string;
  readonly domain: CourseData['weeks'][number]['days'][number]['domain'];
  readonly labs: readonly { readonly id: string; readonly minutes: number }[];
  readonly objectives: readonly ObjectiveEvidence[];
}

/** The share of the exam that each area feeds. */
export const domainShares: Readonly<Record<DayEvidence['domain'], number>> = {
  install: 0.2,
  traffic: 0.35,
  security: 0.25,
  troubleshooting: 0.2,
};

interface Named {
  readonly id: string;
  readonly objectives: readonly string[];
}

/** The map of the course: every objective with its evidence. */
export function evidenceOf(input: {
  readonly course: CourseData;
  readonly cards: readonly Named[];
  readonly drills: readonly Named[];
  readonly checks: readonly { readonly id: string; readonly objective: string }[];
}): DayEvidence[] {
  const serving = (things: readonly Named[], objective: string) =>
    things.filter(({ objectives }) => objectives.includes(objective)).map(({ id }) => id);
  return input.course.weeks.flatMap(({ days }) =>
    days.map(({ day, title, domain, labs, objectives }) => ({
      day,
      title,
      domain,
      labs: labs.map(({ id, minutes }) => ({ id, minutes })),
      objectives: objectives.map(({ id, text }) => ({
        id,
        text,
        day,
        cards: serving(input.cards, id),
        checks: input.checks.filter(({ objective }) => objective === id).map((check) => check.id),
        drills: serving(input.drills, id),
      })),
    })),
  );
}

import type { CourseData, DayOutline, LessonData, Minutes } from './schemas.ts';

/** One way to spend a day. */
export interface Form {
  readonly id: 'full' | 'lite' | 'short' | 'long';
  readonly name: string;
  readonly minutes: Minutes;
  readonly note: string;
}

const lite: Minutes = { retrieve: 5, read: 10, study: 0, practice: 25, challenge: 0, write: 5 };
const short: Minutes = { retrieve: 15, read: 0, study: 0, practice: 10, challenge: 0, write: 0 };

/** All days, in order. */
export function daysOf(course: CourseData): DayOutline[] {
  return course.weeks.flatMap(({ days }) => days);
}

/** The outline of one day. Throws when the course has no such day. */
export function outlineOf(course: CourseData, day: number): DayOutline {
  const found = daysOf(course).find((candidate) => candidate.day === day);
  if (!found) throw new Error(`lessons/course.yaml has no day ${day}.`);
  return found;
}

/** The ways to spend a written day. The short one is the same for every day. */
export function formsOf(outline: DayOutline, lesson: LessonData): Form[] {
  return [
    {
      id: 'full',
      name: 'Full day',
      minutes: outline.minutes,
      note: lesson.full ?? 'Everything below, from top to bottom.',
    },
    { id: 'lite', name: 'Lite', minutes: lite, note: lesson.lite },
    {
      id: 'short',
      name: 'A busy day',
      minutes: short,
      note: 'The cards that are due. Then one forecast: make it, run that step of the lab, and compare.',
    },
    ...(lesson.long ? [{ id: 'long' as const, name: 'Long form', ...lesson.long }] : []),
  ];
}

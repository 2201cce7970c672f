import { cardsOf } from './cards.ts';
import type { DayOutline, InterviewQuestion, LessonData, Question, TermData } from './schemas.ts';

/** What one objective is covered by; each list names its places. */
export interface Coverage {
  readonly objective: string;
  /** Headings of the reading text. */
  readonly text: readonly string[];
  /** Ids of cards. */
  readonly cards: readonly string[];
  /** Questions of the quiz and checks of the labs: what a machine decides. */
  readonly checks: readonly string[];
  /** Interview questions. */
  readonly interview: readonly string[];
}

export interface CoverageInput {
  readonly outline: DayOutline;
  readonly lesson: LessonData;
  readonly questions: readonly Question[];
  readonly interview: readonly InterviewQuestion[];
  readonly terms: readonly TermData[];
  /** Checks of the day's labs, as `<lab>/<check>`, with the objective each serves. */
  readonly labChecks: readonly { readonly id: string; readonly objective: string }[];
}

/** One row for each objective of a day. */
export function coverageOf({ outline, lesson, questions, interview, terms, labChecks }: CoverageInput): Coverage[] {
  const cards = terms.flatMap(cardsOf);
  return outline.objectives.map(({ id }) => {
    const serves = ({ objectives }: { readonly objectives: readonly string[] }) => objectives.includes(id);
    return {
      objective: id,
      text: lesson.sections.filter(serves).map((section) => section.id),
      cards: cards.filter(serves).map((card) => card.id),
      checks: [
        ...questions.filter(serves).map((question) => `quiz/${question.id}`),
        ...labChecks.filter(({ objective }) => objective === id).map((check) => check.id),
      ],
      interview: interview.filter(serves).map((question) => question.id),
    };
  });
}

/** The least of each kind: a paragraph, two cards, a machine check and an interview question. */
const wanted = { text: 1, cards: 2, checks: 1, interview: 1 } as const;

/** What is missing, in words; empty when every objective is covered. */
export function holesOf(rows: readonly Coverage[]): string[] {
  return rows.flatMap((row) =>
    (Object.keys(wanted) as (keyof typeof wanted)[])
      .filter((kind) => row[kind].length < wanted[kind])
      .map((kind) => `${row.objective} has ${row[kind].length} of ${wanted[kind]} in ${kind}`),
  );
}

/** The matrix as a table of counts. */
export function matrixText(rows: readonly Coverage[]): string {
  const head = ['objective', 'text', 'cards', 'checks', 'interview'];
  const body = rows.map((row) =>
    [row.objective, row.text, row.cards, row.checks, row.interview].map((cell) =>
      typeof cell === 'string' ? cell : String(cell.length),
    ),
  );
  return [head, ...body]
    .map((cells) => cells.map((cell, index) => (index === 0 ? cell.padEnd(12) : cell.padStart(10))).join(''))
    .join('\n');
}

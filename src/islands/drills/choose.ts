import type { DrillEntry } from '#contract';
import { type Drill, type Format, formats } from '../../course/drills.ts';

export interface Filter {
  /** Empty: every topic. */
  readonly topic: string;
  readonly format: Format | '';
  readonly level: 1 | 2 | 3 | 0;
}

export const everything: Filter = { topic: '', format: '', level: 0 };

export function passes({ topic, format, level }: Filter, drill: Drill): boolean {
  return (!topic || drill.topic === topic) && (!format || drill.format === format) && (!level || drill.level === level);
}

/** The share of marks that an answer got, 0 to 1. */
export function scoreOf({ marks }: DrillEntry): number {
  const given = Object.values(marks);
  return given.length === 0 ? 0 : given.reduce((sum, mark) => sum + mark, 0) / (3 * given.length);
}

/** The latest answer to each question. */
export function latestAnswers(answers: readonly DrillEntry[]): Map<string, DrillEntry> {
  const latest = new Map<string, DrillEntry>();
  for (const answer of answers.toSorted((a, b) => a.atMs - b.atMs)) latest.set(answer.question, answer);
  return latest;
}

/**
 * Questions for a sitting: those never asked first, easier ones before harder ones; then those answered worst and longest ago.
 * Topics take turns, so that neighbours differ. `tie` gives a number for each question that breaks ties.
 */
export function chooseDrills(input: {
  readonly drills: readonly Drill[];
  readonly answers: readonly DrillEntry[];
  readonly filter: Filter;
  readonly count: number;
  readonly tie: (id: string) => number;
}): Drill[] {
  const latest = latestAnswers(input.answers);
  const rank = (drill: Drill): number[] => {
    const answer = latest.get(drill.id);
    return answer ? [1, scoreOf(answer), answer.atMs] : [0, drill.level, input.tie(drill.id)];
  };
  const ranked = input.drills
    .filter((drill) => passes(input.filter, drill))
    .map((drill) => ({ drill, rank: rank(drill) }))
    .toSorted((a, b) => compare(a.rank, b.rank))
    .map(({ drill }) => drill);
  return inTurns(ranked).slice(0, input.count);
}

/** A mock interview of 30 minutes: what is asked, in the order of a real one. The minutes leave room for follow-ups and marks. */
export const mockPlan: readonly { readonly format: Format; readonly level: 1 | 2 | 3; readonly minutes: number }[] = [
  { format: 'define', level: 1, minutes: 1 },
  { format: 'define', level: 2, minutes: 1 },
  { format: 'compare', level: 1, minutes: 2 },
  { format: 'compare', level: 2, minutes: 3 },
  { format: 'debug', level: 2, minutes: 5 },
  { format: 'debug', level: 3, minutes: 5 },
  { format: 'design', level: 2, minutes: 8 },
  { format: 'defend', level: 3, minutes: 5 },
];

/** The questions of a mock interview, of as many topics as can be; a level next to the planned one where the bank has none. */
export function mockInterview(
  drills: readonly Drill[],
  answers: readonly DrillEntry[],
  tie: (id: string) => number,
): Drill[] {
  const chosen: Drill[] = [];
  for (const { format, level } of mockPlan) {
    const used = new Set(chosen.map(({ topic }) => topic));
    const open = drills.filter((drill) => drill.format === format && !chosen.includes(drill));
    const ranked = chooseDrills({ drills: open, answers, filter: everything, count: open.length, tie });
    const order = ranked.toSorted(
      (a, b) =>
        Number(used.has(a.topic)) - Number(used.has(b.topic)) || Math.abs(a.level - level) - Math.abs(b.level - level),
    );
    if (order[0]) chosen.push(order[0]);
  }
  return chosen;
}

/** One answer of a sitting: its marks, the seconds it had (infinite without a clock), and the points that were not said. */
export interface Answered {
  readonly drill: Drill;
  readonly entry: DrillEntry;
  readonly given: number;
  readonly missed: readonly string[];
}

export type Band = 'strong yes' | 'yes' | 'no' | 'strong no';

/** What a panel would say of a share of marks. */
export function bandOf(share: number): Band {
  if (share >= 0.85) return 'strong yes';
  if (share >= 0.65) return 'yes';
  return share >= 0.4 ? 'no' : 'strong no';
}

export interface Report {
  readonly share: number;
  readonly band: Band;
  readonly byCriterion: readonly { readonly id: string; readonly share: number }[];
  readonly byFormat: readonly { readonly format: Format; readonly share: number; readonly answers: number }[];
  /** Answers that took more than the time given. */
  readonly late: number;
  /** A criterion that no answer met at all. It holds a candidate back, however good the rest is. */
  readonly missing: readonly string[];
}

/** What a set of answers says; undefined when there are none. `secondsOf` is the time given to an answer; infinite without a clock. */
export function reportOf(
  answers: readonly DrillEntry[],
  drills: readonly Drill[],
  secondsOf: (answer: DrillEntry, drill: Drill) => number,
): Report | undefined {
  const byId = new Map(drills.map((drill) => [drill.id, drill]));
  const known = answers.flatMap((answer) => {
    const drill = byId.get(answer.question);
    return drill ? [{ answer, drill }] : [];
  });
  if (known.length === 0) return undefined;
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const share = mean(known.map(({ answer }) => scoreOf(answer)));
  const ids = [...new Set(known.flatMap(({ answer }) => Object.keys(answer.marks)))];
  const byCriterion = ids.map((id) => ({
    id,
    share: mean(known.flatMap(({ answer }) => (answer.marks[id] === undefined ? [] : [answer.marks[id] / 3]))),
  }));
  const missing = byCriterion.filter((criterion) => criterion.share === 0).map(({ id }) => id);
  const band = bandOf(share);
  return {
    share,
    band: missing.length > 0 && band !== 'strong no' ? 'no' : band,
    missing,
    byCriterion,
    byFormat: formats.flatMap((format) => {
      const own = known.filter(({ drill }) => drill.format === format);
      return own.length === 0
        ? []
        : [{ format, share: mean(own.map(({ answer }) => scoreOf(answer))), answers: own.length }];
    }),
    late: known.filter(({ answer, drill }) => answer.seconds > secondsOf(answer, drill)).length,
  };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value - other;
  }
  return 0;
}

/** Takes from each topic in turn, the order within a topic kept. */
function inTurns(drills: readonly Drill[]): Drill[] {
  const queues = new Map<string, Drill[]>();
  for (const drill of drills) queues.set(drill.topic, [...(queues.get(drill.topic) ?? []), drill]);
  const turns: Drill[] = [];
  for (let round = 0; turns.length < drills.length; round++)
    for (const queue of queues.values()) if (queue[round]) turns.push(queue[round] as Drill);
  return turns;
}

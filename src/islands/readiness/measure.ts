import type { DrillEntry, LogEntry } from '#contract';
import { type DayEvidence, domainShares, type ObjectiveEvidence } from '../../course/readiness.ts';
import { effective, type Memory } from '../cards/schedule.ts';
import { latestAnswers, scoreOf } from '../drills/choose.ts';

/** How far one kind of evidence goes, 0 to 1; undefined where the course has none of it for this objective. */
export interface Shares {
  readonly recall?: number;
  readonly labs?: number;
  readonly drills?: number;
}

export interface ObjectiveState extends ObjectiveEvidence {
  readonly shares: Shares;
  /** The mean of the kinds that exist, 0 to 1. */
  readonly ready: number;
}

export interface DayState extends Omit<DayEvidence, 'objectives'> {
  readonly objectives: readonly ObjectiveState[];
  readonly ready: number;
}

export interface Readiness {
  readonly days: readonly DayState[];
  readonly domains: Readonly<Record<DayEvidence['domain'], number>>;
  /** By the shares of the exam. */
  readonly total: number;
}

export interface Evidence {
  readonly log: readonly LogEntry[];
  readonly memories: ReadonlyMap<string, Memory>;
  /** Probability, 0 to 1, that a card is remembered now. */
  readonly recallOf: (memory: Memory) => number;
}

/**
 * Objectives against evidence. Recall: the mean probability of recall over all cards of the objective, an unseen card counts 0. Labs:
 * checks that were met, one with three or more hints counts half. Drills: the marks of the latest answer, an unanswered question counts 0.
 */
export function measure(map: readonly DayEvidence[], { log, memories, recallOf }: Evidence): Readiness {
  const entries = effective(log);
  const met = new Map(
    entries.flatMap((entry) => (entry.kind === 'check' ? [[entry.check, entry.hints] as const] : [])),
  );
  const answers = latestAnswers(entries.filter((entry): entry is DrillEntry => entry.kind === 'drill'));
  const recall = (id: string) => {
    const memory = memories.get(id);
    return memory ? recallOf(memory) : 0;
  };
  const lab = (id: string) => {
    const hints = met.get(id);
    return hints === undefined ? 0 : hints >= 3 ? 0.5 : 1;
  };
  const drill = (id: string) => {
    const answer = answers.get(id);
    return answer ? scoreOf(answer) : 0;
  };
  const days = map.map((day) => {
    const objectives = day.objectives.map((objective) => {
      const shares: Shares = {
        ...share('recall', objective.cards, recall),
        ...share('labs', objective.checks, lab),
        ...share('drills', objective.drills, drill),
      };
      return { ...objective, shares, ready: mean(Object.values(shares)) };
    });
    return { ...day, objectives, ready: mean(objectives.map(({ ready }) => ready)) };
  });
  const domains = Object.fromEntries(
    Object.keys(domainShares).map((domain) => [
      domain,
      mean(days.filter((day) => day.domain === domain).flatMap((day) => day.objectives.map(({ ready }) => ready))),
    ]),
  ) as Readiness['domains'];
  const total = Object.entries(domainShares).reduce(
    (sum, [domain, part]) => sum + part * domains[domain as DayEvidence['domain']],
    0,
  );
  return { days, domains, total };
}

function share(kind: keyof Shares, ids: readonly string[], value: (id: string) => number): Shares {
  return ids.length === 0 ? {} : { [kind]: mean(ids.map(value)) };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One step of the next half hour. */
export interface Step {
  readonly minutes: number;
  readonly text: string;
  readonly href: string;
}

const minutesPerCard = 0.3;

/**
 * What to do in the next 30 minutes: due cards first, ten minutes at most; then the lab, or the questions, of the weakest objective of
 * the days that have begun. A day has begun when one of its cards, checks or questions was met; nobody has begun: the first day.
 */
export function nextHalfHour(readiness: Readiness, dueCards: number): Step[] {
  const cards = Math.min(10, Math.ceil(dueCards * minutesPerCard));
  const begun = readiness.days.filter(({ objectives }) => objectives.some(({ ready }) => ready > 0));
  const last = begun.at(-1)?.day ?? 1;
  const open = readiness.days
    .filter(({ day }) => day <= last)
    .flatMap((day) => day.objectives.map((objective) => ({ day, objective })));
  const weakest = open.toSorted((a, b) => a.objective.ready - b.objective.ready || a.day.day - b.day.day)[0];
  const steps: Step[] = [];
  const reviewed = Math.min(dueCards, Math.floor(cards / minutesPerCard));
  if (cards > 0)
    steps.push({
      minutes: cards,
      text:
        reviewed < dueCards
          ? `Review ${reviewed} of the ${dueCards} cards that wait`
          : `Review the ${dueCards} cards that wait`,
      href: '/cards/',
    });
  if (weakest) {
    const { day, objective } = weakest;
    const lab = day.labs.find(({ id }) => objective.checks.some((check) => check.startsWith(`${id}/`)));
    const missing = (objective.shares.labs ?? 1) < 1 ? lab : undefined;
    if (begun.length === 0)
      steps.push({ minutes: 20, text: `Begin day ${day.day}: ${day.title}`, href: `/days/${day.day}/` });
    else if (missing)
      steps.push({
        minutes: Math.min(20, missing.minutes),
        text: `Lab for “${objective.text}”`,
        href: `/lab/${missing.id}/`,
      });
    else steps.push({ minutes: 15, text: `Day ${day.day}: “${objective.text}”`, href: `/days/${day.day}/` });
  }
  const left = 30 - steps.reduce((sum, { minutes }) => sum + minutes, 0);
  if (left >= 5) steps.push({ minutes: left, text: 'Answer interview questions aloud', href: '/drills/' });
  return steps;
}

export interface PlannedDay {
  readonly date: number;
  readonly days: readonly number[];
}

export interface Plan {
  readonly dates: readonly PlannedDay[];
  /** Course days for which no time is left. */
  readonly left: readonly number[];
}

/** Two short versions of 45 minutes, or a day in full and another's cards: more does not stay in anybody's mind. */
const mostDaysPerDate = 2;

/**
 * The days that are not ready yet, spread over the days until the interview; the last two are left free for repeating. At most two
 * share a date. Where they do not all fit, those are taken that move the weighted total most, in the order of the course. The plan is
 * empty where the interview is past.
 */
export function planDays(readiness: Readiness, nowMs: number, examMs: number, readyAt = 0.6): Plan {
  if (examMs <= nowMs) return { dates: [], left: [] };
  const unready = readiness.days.filter(({ ready }) => ready < readyAt);
  const today = new Date(nowMs);
  const dates: number[] = [];
  for (let offset = 0; ; offset++) {
    const date = new Date(today.getFullYear(), today.getMonth(), today.getDate() + offset).getTime();
    if (date >= examMs || dates.length > 400) break;
    dates.push(date);
  }
  const usable = dates.slice(0, Math.max(1, dates.length - 2));
  if (unready.length === 0) return { dates: [], left: [] };
  const worth = ({ domain, ready }: DayState) =>
    ((1 - ready) * domainShares[domain]) / readiness.days.filter((day) => day.domain === domain).length;
  const taken = new Set(unready.toSorted((a, b) => worth(b) - worth(a)).slice(0, usable.length * mostDaysPerDate));
  const open = unready.filter((day) => taken.has(day)).map(({ day }) => day);
  const perDate = open.length / usable.length;
  const planned = usable.map((date, index) => ({
    date,
    days: open.slice(Math.round(index * perDate), Math.round((index + 1) * perDate)),
  }));
  return {
    dates: planned.filter(({ days }) => days.length > 0),
    left: unready.filter((day) => !taken.has(day)).map(({ day }) => day),
  };
}

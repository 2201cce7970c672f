import type { IncidentEntry, IncidentResult, IncidentScore } from '#contract';
import type { IncidentSpec } from './incident-schema.ts';

/** All that a drill came to, when it is over or while it runs. */
export interface DrillFacts {
  readonly spec: IncidentSpec;
  readonly title: string;
  readonly untimed: boolean;
  readonly scores: readonly IncidentScore[];
  readonly failed: number;
  readonly requests: number;
  readonly othersFailed: number;
  readonly pushes: number;
  readonly hints: number;
  readonly wrongGuesses: number;
  readonly entries: readonly IncidentEntry[];
  readonly lastedMs: number;
  readonly remedy: string | undefined;
}

const TITLES = { symptom: 'Symptom found', mitigation: 'Users safe again', cause: 'Root cause proved' } as const;
const WEIGHTS = { symptom: 20, mitigation: 30, cause: 20 } as const;
const BUDGET_POINTS = 20;
const HARM_POINTS = 10;
const GUESS_COSTS = 2;

/** Times after the page beside their pars. Each par stands on the ones before it: a mitigation that came before the symptom had a name is not late. */
export function scoresOf(
  { par }: IncidentSpec,
  {
    pagedMs,
    lateMs,
    ends,
  }: {
    readonly pagedMs: number | undefined;
    readonly lateMs: number;
    readonly ends: Readonly<Record<IncidentScore['id'], number | undefined>>;
  },
): IncidentScore[] {
  const score = (id: IncidentScore['id'], minutes: number): IncidentScore => ({
    id,
    parMs: minutes * 60_000,
    ...(ends[id] === undefined || pagedMs === undefined ? {} : { tookMs: Math.max(0, ends[id] - pagedMs) + lateMs }),
  });
  return [
    score('symptom', par.symptom),
    score('mitigation', par.symptom + par.mitigation),
    score('cause', par.symptom + par.mitigation + par.cause),
  ];
}

/** Points of 100: each step in full within its par, down to a third at three times the par; the rest by failures and by harm to others. */
export function resultOf(facts: DrillFacts): IncidentResult {
  const { spec } = facts;
  const steps = facts.scores.map(({ id, tookMs, parMs }) => {
    const of = WEIGHTS[id];
    if (tookMs === undefined) return { title: TITLES[id], points: 0, of, why: 'not done' };
    if (facts.untimed) return { title: TITLES[id], points: of, of, why: 'untimed' };
    const share = Math.min(1, Math.max(1 / 3, (4 - tookMs / parMs) / 3));
    const why = `${clock(tookMs)}, par ${clock(parMs)}`;
    return { title: TITLES[id], points: Math.round(of * share), of, why };
  });
  const spent = Math.min(1, facts.failed / spec.budget);
  const budget = {
    title: 'Error budget',
    points: Math.round(BUDGET_POINTS * (1 - spent)),
    of: BUDGET_POINTS,
    why: `${facts.failed} failed requests, ${Math.round(spent * 100)} % of the budget`,
  };
  const harm = {
    title: 'Nobody else harmed',
    points: Math.max(0, HARM_POINTS - facts.othersFailed - GUESS_COSTS * facts.wrongGuesses),
    of: HARM_POINTS,
    why: `${facts.othersFailed} failed requests of others, ${facts.wrongGuesses} wrong guesses`,
  };
  const parts = [...steps, budget, harm];
  const right = spec.cause.choices.find(({ id }) => id === spec.cause.right);
  return {
    points: parts.reduce((sum, { points }) => sum + points, 0),
    parts,
    cause: right?.text ?? '',
    explanation: spec.cause.explanation,
    remedies: spec.remedies.map(({ title }) => title),
  };
}

/** `3:05` */
export function clock(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  return `${ms < 0 ? '−' : ''}${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** A blameless draft: facts are filled in, judgement is left to the writer. */
export function postmortemOf(facts: DrillFacts): string {
  const { spec, entries } = facts;
  const right = spec.cause.choices.find(({ id }) => id === spec.cause.right);
  const causeKnown = facts.scores.some(({ id, tookMs }) => id === 'cause' && tookMs !== undefined);
  const share = facts.requests === 0 ? 0 : (facts.failed / facts.requests) * 100;
  const beyondPar = facts.scores.filter(({ tookMs, parMs }) => tookMs !== undefined && tookMs > parMs);
  const withinPar = facts.scores.filter(({ tookMs, parMs }) => tookMs !== undefined && tookMs <= parMs);
  const list = (scores: readonly IncidentScore[]): string[] =>
    scores.map(({ id, tookMs, parMs }) => `- ${TITLES[id]} after ${clock(tookMs ?? 0)} (par ${clock(parMs)}).`);
  return [
    `# Postmortem: ${facts.title}`,
    '',
    '## Summary',
    '',
    `The page said: “${spec.page}” Users were affected for ${clock(facts.lastedMs)} minutes.`,
    facts.remedy === undefined
      ? 'They were not made safe in the drill.'
      : `They were made safe by this change: ${facts.remedy}.`,
    '',
    '## Impact',
    '',
    `- ${facts.failed} of ${facts.requests} requests of users failed (${share.toFixed(1)} %).`,
    `- That is ${Math.round((facts.failed / spec.budget) * 100)} % of the error budget of ${spec.budget} failed requests.`,
    `- ${facts.othersFailed} requests of others failed.`,
    '',
    '## Timeline',
    '',
    '| after the page | what happened |',
    '|---|---|',
    ...entries.map(({ atMs, text }) => `| ${clock(atMs)} | ${text.replace(/\|/g, '\\|')} |`),
    '',
    '## Root cause',
    '',
    causeKnown ? `${right?.text ?? ''} ${spec.cause.explanation}` : 'Not proved in the drill.',
    '',
    '## What went well',
    '',
    ...(withinPar.length > 0 ? list(withinPar) : ['- …']),
    '',
    '## What was hard',
    '',
    ...(beyondPar.length > 0 ? list(beyondPar) : ['- …']),
    ...(facts.wrongGuesses > 0 ? [`- ${facts.wrongGuesses} guesses did not fit what the proxies recorded.`] : []),
    '',
    '## Actions',
    '',
    '| action | owner | due |',
    '|---|---|---|',
    ...[...spec.actions, '…'].map((action) => `| ${action} | | |`),
    '',
  ].join('\n');
}

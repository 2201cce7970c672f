import { z } from 'zod';
import { interviewSchema, objectiveId } from './schemas.ts';
import type { NamedWord } from './word-runs.ts';

export const formats = ['define', 'compare', 'debug', 'design', 'defend'] as const;
export type Format = (typeof formats)[number];

/** Seconds that an interviewer gives for each format, and what it asks for. */
export const formatFacts: Readonly<
  Record<Format, { readonly seconds: number; readonly name: string; readonly how: string }>
> = {
  define: { seconds: 20, name: 'Define', how: 'One or two sentences. What it is, and what it is for.' },
  compare: { seconds: 60, name: 'Compare', how: 'What both share, where they differ, when you take which.' },
  debug: {
    seconds: 180,
    name: 'Debug from evidence',
    how: 'What the evidence says, what you check next, what would prove it.',
  },
  design: { seconds: 300, name: 'Design', how: 'Ask what matters, draw the parts, say what you gave up.' },
  defend: {
    seconds: 90,
    name: 'Defend a decision',
    how: 'The decision, its reason, its price, and what would change your mind.',
  },
};

/** What an answer is marked on, 0 to 3 each. */
export const criteria = [
  { id: 'clarify', name: 'Clarify', text: 'Asked or said what was meant before answering.' },
  { id: 'model', name: 'Model', text: 'Said who does what, when, and why.' },
  { id: 'terms', name: 'Exact terms', text: 'Used the right words in their right sense.' },
  { id: 'tradeoff', name: 'Trade-off', text: 'Named a price, a limit, or when not to.' },
  { id: 'prove', name: 'Proof', text: 'Said how it would be proved: a command, a metric, a log line.' },
] as const;

const day = z.number().int().min(1).max(28);

/** A question of the interview bank. */
const drillQuestion = interviewSchema.shape.questions.element
  .omit({ seconds: true, followUps: true, points: true })
  .extend({
    id: z.string().regex(/^[a-z0-9-]+$/),
    objectives: z.array(objectiveId).min(1),
    /** 1 names and explains, 2 configures and diagnoses, 3 designs and defends. */
    level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
    day,
    points: z.array(z.string()).min(3).max(7),
    /** What the question is about, for `debug`: log lines, YAML, figures. */
    evidence: z.string().optional(),
    /** Where a mesh and a library both can do it: how each does, and when each fits. */
    both: z.strictObject({ mesh: z.string(), library: z.string(), when: z.string() }).optional(),
    /** Two that anybody may be asked. */
    followUps: z.array(z.string()).length(2),
    /** The third, on the learner's own work in a lab. */
    ownWork: z.strictObject({ lab: z.string(), ask: z.string() }),
  });
export type DrillQuestion = z.infer<typeof drillQuestion>;

/** lessons/bank/<topic>.yaml */
export const bankSchema = z.strictObject({
  topic: z.string().regex(/^[a-z-]+$/),
  title: z.string(),
  /** Its place in the list of topics. */
  order: z.number().int(),
  questions: z.array(drillQuestion).min(1),
});
export type BankTopic = z.infer<typeof bankSchema>;

/** A question with its topic, as the drills page gets it. */
export interface Drill extends DrillQuestion {
  readonly topic: string;
}

/** What a question about own work says of a lab: its title, and the title of each check by id. */
export interface BankLab {
  readonly title: string;
  readonly checks: Readonly<Record<string, string>>;
}

export interface Bank {
  readonly topics: readonly { readonly id: string; readonly title: string }[];
  readonly drills: readonly Drill[];
  readonly labs: Readonly<Record<string, BankLab>>;
  /** Words that models and reasons lead to. */
  readonly words: readonly NamedWord[];
}

export function bankOf(topics: readonly BankTopic[]): Omit<Bank, 'labs' | 'words'> {
  const ordered = topics.toSorted((a, b) => a.order - b.order);
  return {
    topics: ordered.map(({ topic, title }) => ({ id: topic, title })),
    drills: ordered.flatMap(({ topic, questions }) => questions.map((question) => ({ ...question, topic }))),
  };
}

/** Questions of each format by level, `level 1/level 2/level 3`, for one topic: a row of the plan. */
export function rowOf({ questions }: BankTopic): Record<Format, string> {
  const count = (format: Format) =>
    ([1, 2, 3] as const)
      .map((level) => questions.filter((question) => question.format === format && question.level === level).length)
      .join('/');
  return Object.fromEntries(formats.map((format) => [format, count(format)])) as Record<Format, string>;
}

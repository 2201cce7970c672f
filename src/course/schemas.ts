import { z } from 'zod';
import { showSchema } from './show.ts';

/** Objectives are numbered by day: D15.1 is the first of day 15. */
export const objectiveId = z.string().regex(/^D\d{1,2}\.\d$/, 'an objective such as D15.1');

const ipa = z.string().regex(/^\/.+\/$/, 'IPA between slashes');
const respelling = z.string().min(2);

/** Where a term is met: YAML that a learner writes (blue), or what the mesh shows (ink). */
const stand = z.object({
  kind: z.enum(['yaml', 'xds', 'log', 'metric', 'shell']),
  label: z.string(),
  text: z.string(),
});

/** A phrase as people say it. The words in brackets are the term; the cloze card hides them. */
const phrase = z.string().regex(/\[[^\]]+\]/, 'a phrase with the term in [brackets]');

const confusion = z.object({
  term: z.string(),
  /** How to tell the two apart. */
  how: z.string(),
  /** A case for the contrast card, and which of the two it is. */
  case: z.string(),
  answer: z.string(),
});

export const topics = [
  'planes and proxies',
  "Envoy's objects",
  'xDS',
  'traffic',
  'resilience',
  'security and identity',
  'gateways',
  'observability',
  'Kubernetes',
  'operations',
] as const;

/** glossary/<term>.md */
export const termSchema = z.object({
  term: z.string(),
  ipa,
  /** British form, where it differs. */
  ipaUk: ipa.optional(),
  respelling,
  respellingUk: respelling.optional(),
  partOfSpeech: z.enum(['noun', 'name', 'adjective', 'verb', 'noun and verb', 'noun and adjective']),
  topic: z.enum(topics),
  day: z.number().int().min(1).max(28),
  lab: z.string().optional(),
  /** How the lab shows it in five seconds, or why no lab can. */
  show: showSchema,
  objectives: z.array(objectiveId).default([]),
  figure: z.enum(['two-planes', 'pod-path', 'injection', 'mtls-link']).optional(),
  aliases: z.array(z.string()).default([]),
  misspellings: z.array(z.string()).default([]),
  gist: z.string().max(90),
  definition: z.string().min(20).max(320),
  stands: z.array(stand).min(1).max(3),
  say: z.object({ review: phrase, incident: phrase }),
  confusedWith: z.array(confusion).min(1),
  related: z.array(z.string()).min(1),
});
export type TermData = z.infer<typeof termSchema>;

const gapCard = z.strictObject({
  term: z.string(),
  /** The word of the term's YAML that is hidden. */
  gap: z.string(),
  ask: z.string(),
  note: z.string().optional(),
});
const extra = { id: z.string().regex(/^[a-z0-9-]+$/), term: z.string(), objectives: z.array(objectiveId).min(1) };
const flagCard = z.strictObject({
  ...extra,
  flag: z.string(),
  /** What a proxy logs, the flag as ▢. */
  line: z.string().includes('▢'),
  choices: z.array(z.string()).length(3),
  why: z.string(),
});
const orderCard = z.strictObject({ ...extra, ask: z.string(), parts: z.array(z.string()).min(3).max(7) });
const bugCard = z.strictObject({
  ...extra,
  ask: z.string(),
  code: z.string(),
  choices: z.array(z.string()).length(3),
  answer: z.string(),
  why: z.string(),
});
/** glossary/cards/*.yaml: cards that are not made from a term's own page. */
export const extraCardsSchema = z.object({
  gaps: z.array(gapCard),
  flags: z.array(flagCard),
  orders: z.array(orderCard),
  bugs: z.array(bugCard),
});
export type ExtraCards = z.infer<typeof extraCardsSchema>;

const minutes = z.object({
  retrieve: z.number().int().min(0),
  read: z.number().int().min(0),
  study: z.number().int().min(0),
  practice: z.number().int().min(0),
  challenge: z.number().int().min(0),
  write: z.number().int().min(0),
});
export type Minutes = z.infer<typeof minutes>;
export const parts = ['retrieve', 'read', 'study', 'practice', 'challenge', 'write'] as const;
export type Part = (typeof parts)[number];

/** What is known of a day before it is written; the same facts head a written day. */
const outline = z.object({
  day: z.number().int().min(1).max(28),
  title: z.string(),
  domain: z.enum(['install', 'traffic', 'security', 'troubleshooting']),
  /** What its interview questions are about. */
  theme: z.string(),
  minutes,
  objectives: z.array(z.object({ id: objectiveId, text: z.string() })).min(4),
  /** Labs of the practice; their minutes add up to it. */
  labs: z.array(z.object({ id: z.string(), minutes: z.number().int() })).min(1),
  /** For those who have more time. */
  moreLabs: z.array(z.object({ id: z.string(), minutes: z.number().int() })).default([]),
  /** The incident that is the day's challenge, as a lab; its question stands on the page as well. */
  incident: z.string().optional(),
  challenge: z.string(),
  write: z.string(),
});
export type DayOutline = z.infer<typeof outline>;

/** Frontmatter of lessons/<nn-week>/<nn-day>/lesson.mdx; title, objectives, labs and minutes stand in course.yaml. */
export const lessonSchema = z.object({
  day: z.number().int().min(1).max(28),
  /** The heading of the page: the idea, not the topic. */
  idea: z.string(),
  lede: z.string(),
  /** What to say of the full day, where it differs from the others. */
  full: z.string().optional(),
  /** What the short version of the day leaves out and how it ends. */
  lite: z.string(),
  /** A longer version, for days that have one. */
  long: z.object({ minutes, note: z.string() }).optional(),
  /** Key terms of the day; each has its own file in the glossary. */
  terms: z.array(z.string()).min(1),
  /** What to do in each lab of the day, in a sentence. */
  labs: z.record(z.string(), z.string()),
  /** Headings of the reading text (their ids) and the objectives that they cover. */
  sections: z.array(z.object({ id: z.string(), objectives: z.array(objectiveId).min(1) })).min(1),
  /** What should stay when all else is forgotten, one sentence each. */
  takeaways: z.array(z.string()).min(4).max(7),
  /** What the next day is about, in a sentence. */
  tomorrow: z.string(),
});
export type LessonData = z.infer<typeof lessonSchema>;

const question = z.object({
  id: z.string(),
  part: z.enum(['retrieve', 'read', 'study']),
  /** For a question about an earlier day. */
  day: z.number().int().optional(),
  objectives: z.array(objectiveId).default([]),
  ask: z.string(),
  options: z
    .array(z.object({ text: z.string(), right: z.boolean().default(false), why: z.string() }))
    .min(2)
    .max(5)
    .refine((options) => options.filter(({ right }) => right).length === 1, 'exactly one option is right'),
});
export type Question = z.infer<typeof question>;

const forecast = z.object({
  id: z.string(),
  ask: z.string(),
  unit: z.string(),
  min: z.number(),
  max: z.number(),
  /** What the lab measures; shown only after the learner has made a forecast. */
  fact: z.number(),
  because: z.string(),
});
export type Forecast = z.infer<typeof forecast>;

/** Frontmatter of lessons/<nn-week>/<nn-day>/study.mdx: the worked example. */
export const studySchema = z.object({
  day: z.number().int(),
  title: z.string(),
  /** The drawing above the steps, for days whose steps follow it. */
  figure: z.enum(['pod-path']).optional(),
});

/** lessons/<nn-week>/<nn-day>/quiz.yaml */
export const quizSchema = z.object({
  day: z.number().int(),
  questions: z.array(question).min(1),
  forecasts: z.array(forecast).default([]),
});

const interviewQuestion = z.object({
  id: z.string(),
  objectives: z.array(objectiveId).min(1),
  format: z.enum(['define', 'compare', 'debug', 'design', 'defend']),
  seconds: z.number().int(),
  ask: z.string(),
  /** What a good answer contains, one fact each. */
  points: z.array(z.string()).min(3),
  model: z.string(),
  redFlags: z.array(z.string()).min(1),
  followUps: z.array(z.string()).min(1),
});
export type InterviewQuestion = z.infer<typeof interviewQuestion>;

/** lessons/<nn-week>/<nn-day>/interview.yaml; the first question is the day's challenge. */
export const interviewSchema = z.object({ day: z.number().int(), questions: z.array(interviewQuestion).min(1) });

const rubric = z.array(z.object({ name: z.string(), text: z.string() }));

/** A cell to fill in: a number, or one of a few words. */
const cell = z.union([
  z.string(),
  z.object({
    number: z.number(),
    /** How far an answer may be off. */
    within: z.number().default(0),
    unit: z.string().default(''),
    why: z.string(),
  }),
  z
    .object({ right: z.string(), choices: z.array(z.string()).min(2), why: z.string() })
    .refine(({ right, choices }) => choices.includes(right), 'the right answer is one of the choices'),
]);

/** A table to fill in; each cell is checked by itself and says why. */
const sheet = z.object({
  id: z.string(),
  title: z.string(),
  ask: z.string(),
  /** Where it stands: it is the day's challenge, or a part of its writing. */
  part: z.enum(['challenge', 'write']).default('write'),
  /** What the answers are read from. */
  code: stand.optional(),
  columns: z.array(z.string()).min(2),
  rows: z.array(z.object({ name: z.string(), cells: z.array(cell) })).min(1),
});
export type SheetData = z.infer<typeof sheet>;

/** lessons/<nn-week>/<nn-day>/write.yaml: a day has one, two or all three. */
export const writeSchema = z
  .object({
    day: z.number().int(),
    sheets: z.array(sheet).default([]),
    draw: z
      .object({
        ask: z.string(),
        /** Seven points of a good drawing, each worth 0 to 2. */
        points: rubric.length(7),
        pass: z.number().int(),
        /** A model drawing, for days that have one. */
        figure: z.enum(['mesh']).optional(),
        /** What a full drawing shows, in words. */
        model: z.string().optional(),
      })
      .optional(),
    words: z
      .object({
        ask: z.string(),
        min: z.number().int(),
        max: z.number().int(),
        rubric: rubric.length(5),
        pass: z.number().int(),
        models: z.array(z.object({ name: z.string(), text: z.string(), note: z.string() })).min(2),
      })
      .optional(),
  })
  .refine(({ sheets, draw, words }) => sheets.length > 0 || draw || words, 'a day asks for something in writing');
export type WriteData = z.infer<typeof writeSchema>;

/** lessons/course.yaml: every day of the course, written or coming. */
export const courseSchema = z.object({
  weeks: z
    .array(z.object({ number: z.number().int(), title: z.string(), text: z.string(), days: z.array(outline) }))
    .length(4),
});
export type CourseData = z.infer<typeof courseSchema>;

/** What the site needs of labs/<lab-id>/lab.yaml; the lab server reads the rest. */
export const labSchema = z.looseObject({
  id: z.string().optional(),
  title: z.string(),
  day: z.number().int().optional(),
  minutes: z.number().int().optional(),
  goal: z.string().optional(),
  checks: z.array(z.looseObject({ id: z.string(), title: z.string(), objective: z.string().optional() })).optional(),
});

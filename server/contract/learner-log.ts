import { z } from 'zod';

// The log of a learner: everything they did with cards, drills and exercises. It is only ever added to, so two logs are joined by
// taking the union of their entries, and what is taken back is taken back by another entry.

const id = z.string().min(1).max(80);
const cardId = z.string().min(1).max(160);
const prose = z.string().max(4_000);
/** Milliseconds since 1970, up to the year 2100. */
const atMs = z.number().int().min(0).max(4_102_444_800_000);
const rating = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);

const review = z.object({
  kind: z.literal('review'),
  id,
  card: cardId,
  /** When the answer was shown; the intervals on the buttons were computed for this moment. */
  atMs,
  rating,
  /** From question to grade. */
  durationMs: z.number().min(0).max(86_400_000),
  /** IANA zone, so that a log from a journey can be read. */
  zone: z.string().max(64),
  before: z.object({
    state: z.number().int().min(0).max(3),
    stability: z.number().min(0).max(1e6),
    difficulty: z.number().min(0).max(10),
  }),
  scheduledDays: z.number().min(0).max(40_000),
});

const undo = z.object({ kind: z.literal('undo'), id, of: id, atMs });

/** Takes a card out of the queue, or back into it. */
const suspend = z.object({ kind: z.literal('suspend'), id, card: cardId, on: z.boolean(), atMs });

const ownCard = z.object({
  front: prose.min(1),
  back: prose.min(1),
  note: prose.optional(),
  /** YAML, a log line or a command under the question. */
  code: prose.optional(),
  tags: z.array(z.string().max(60)).max(12).default([]),
});
/** A card that the learner wrote, or their own wording of a card of the deck. Null: no longer. */
const card = z.object({ kind: z.literal('card'), id, card: cardId, content: ownCard.nullable(), atMs });

/** Starts the memory of a card anew; `card` absent: of all cards. */
const forget = z.object({ kind: z.literal('forget'), id, card: cardId.optional(), atMs });

const settingsSchema = z.object({
  newPerDay: z.number().int().min(0).max(40),
  /** Reviews of known cards in a day, at most. */
  reviewsPerDay: z.number().int().min(5).max(1_000),
  retention: z.number().min(0.8).max(0.97),
  /** `2026-12-24`: the interview, or the empty string when there is none. */
  examDate: z.string().regex(/^(\d{4}-\d{2}-\d{2})?$/),
});
const settings = z.object({ kind: z.literal('settings'), id, change: settingsSchema.partial(), atMs });

const mark = z.number().min(0).max(3);
/** An interview question that was answered; a mark of 0 to 3 for each criterion. */
const drill = z.object({
  kind: z.literal('drill'),
  id,
  question: id,
  marks: z.record(z.string().max(40), mark),
  seconds: z.number().min(0).max(7_200),
  aloud: z.boolean(),
  atMs,
});

/** A written or drawn exercise that was graded. */
const exercise = z.object({
  kind: z.literal('exercise'),
  id,
  exercise: id,
  score: z.number().min(0).max(1_000),
  of: z.number().min(1).max(1_000),
  passed: z.boolean(),
  atMs,
});

/** A forecast beside what then happened: `said` and `was` in `unit`. */
const forecast = z.object({
  kind: z.literal('forecast'),
  id,
  forecast: id,
  said: z.number(),
  was: z.number(),
  unit: z.string().max(24),
  atMs,
});

/** A check of a lab that passed for the first time; `hints` that were opened before. */
const check = z.object({ kind: z.literal('check'), id, check: cardId, hints: z.number().int().min(0).max(50), atMs });

export const logEntrySchema = z.discriminatedUnion('kind', [
  review,
  undo,
  suspend,
  card,
  forget,
  settings,
  drill,
  exercise,
  forecast,
  check,
]);
export type LogEntry = z.infer<typeof logEntrySchema>;
export type ReviewEntry = z.infer<typeof review>;
export type OwnCard = z.infer<typeof ownCard>;
export type Settings = z.infer<typeof settingsSchema>;
export type DrillEntry = z.infer<typeof drill>;
export type Rating = z.infer<typeof rating>;

/** Entries in one exchange, at most; a longer log goes in several. */
export const MAX_ENTRIES_PER_EXCHANGE = 5_000;

/** What a browser sends to join its log with the server's: what the server may not have, and how far it has read. */
export const logExchangeSchema = z.object({
  /** The server's number of the last entry that this browser has; 0 for none. */
  after: z.number().int().min(0),
  entries: z.array(logEntrySchema).max(MAX_ENTRIES_PER_EXCHANGE),
});
export type LogExchange = z.infer<typeof logExchangeSchema>;

/** The server's answer: entries after `after` in the order of their arrival; `more` when the answer was cut. */
export interface LogExchangeResult {
  readonly entries: readonly LogEntry[];
  readonly last: number;
  readonly more: boolean;
}

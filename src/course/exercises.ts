import { z } from 'zod';

const id = z.string().regex(/^[a-z0-9-]+$/);
const day = z.number().int().min(1).max(28);

/** A part of a drawing. Its place is in columns and rows, from the top left. */
const part = z.strictObject({
  id,
  name: z.string(),
  /** What it is, for the rules of wrong edges. */
  role: z.string(),
  at: z.tuple([z.number(), z.number()]),
  /** The frame it stands in, such as a pod. */
  inside: z.string().optional(),
  /** A part that does not belong into the drawing, and why. */
  wrong: z.string().optional(),
});

const kind = z.strictObject({
  id,
  name: z.string(),
  /** How the line is drawn. */
  line: z.enum(['solid', 'dashed', 'dotted']),
});

/** An edge that belongs into the drawing: `from`, `to` and `kind` are ids. */
const edge = z.strictObject({ from: id, to: id, kind: id, why: z.string() });

/** Why an edge is wrong: the first rule that fits says it. A field that is absent fits everything. */
const rule = z.strictObject({
  from: z.array(z.string()).optional(),
  to: z.array(z.string()).optional(),
  kind: z.array(id).optional(),
  why: z.string(),
});

export const graphSchema = z.strictObject({
  id,
  title: z.string(),
  day,
  ask: z.string(),
  parts: z.array(part).min(3).max(14),
  kinds: z.array(kind).min(1).max(5),
  edges: z.array(edge).min(2),
  rules: z.array(rule).min(1),
});
export type Graph = z.infer<typeof graphSchema>;

const claim = z.strictObject({
  /** Words of a claim that is false; `|` separates ways to say it, `…` stands for a few words between. */
  claim: z.string(),
  why: z.string(),
});

/** A fact that answers the question. A sentence states it when it holds one of each list; `|` separates ways to say one thing. */
const fact = z.strictObject({ says: z.string(), words: z.array(z.string()).min(2).max(3) });

export const explainSchema = z.strictObject({
  id,
  title: z.string(),
  day,
  ask: z.string(),
  terms: z.array(z.string()).length(8),
  /** Fields, flags, commands or numbers that make the text specific. */
  specific: z.array(z.string()).min(3),
  forbidden: z.array(claim).min(2),
  facts: z.array(fact).min(5),
  models: z.array(z.strictObject({ name: z.string(), text: z.string(), note: z.string() })).length(3),
});
export type Explain = z.infer<typeof explainSchema>;

export const dialogueSchema = z.strictObject({
  id,
  title: z.string(),
  day,
  scene: z.string(),
  /** In `says`, a gap is `[the word]` or `[the word|another that is right]`. */
  lines: z.array(z.strictObject({ who: z.string(), says: z.string() })).min(6),
});
export type Dialogue = z.infer<typeof dialogueSchema>;

/** lessons/exercises/*.yaml */
export const exercisesSchema = z.strictObject({
  graphs: z.array(graphSchema),
  explains: z.array(explainSchema),
  dialogues: z.array(dialogueSchema),
});
export type Exercises = z.infer<typeof exercisesSchema>;

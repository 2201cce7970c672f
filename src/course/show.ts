import { z } from 'zod';

/**
 * What the lab does by itself to show a term: a few steps, the view that is opened, and a sentence that says where to look.
 * `tests/labs/show-me.test.ts` runs every one of them and looks for `sees` in what the view is given.
 */
const step = z.union([
  /** A folder of the lab with YAML: `solution`, `wrong/…`, `steps/…`. */
  z.strictObject({ apply: z.string().regex(/^(solution|(wrong|steps)\/[a-z0-9-]+)$/) }),
  /** A line for the terminal. */
  z.strictObject({ run: z.string().max(700) }),
  /** A line that runs again and again, unseen, until it ends well; for some seconds. */
  z.strictObject({ until: z.string().max(700) }),
  /** Requests as the lab's traffic sends them, all at once; the last of them is opened. */
  z.strictObject({
    send: z.strictObject({
      traffic: z.string().optional(),
      path: z.string().optional(),
      headers: z.record(z.string(), z.string()).optional(),
      times: z.number().int().min(1).max(200).default(1),
    }),
  }),
]);
export type ShowStep = z.infer<typeof step>;

export const showViews = [
  'why',
  'requests',
  'trace',
  'log',
  'metrics',
  'xds',
  'certificates',
  'events',
  'map',
  'terminal',
] as const;
export type ShowView = (typeof showViews)[number];

const inLab = z.strictObject({
  lab: z.string(),
  do: z.array(step).max(8).default([]),
  view: z.enum(showViews),
  /**
   * Where in the view, as its address says it: `handshake` among the certificates. For a decision: the name of a step, and which of several,
   * from the first: `Filter chain 2`.
   */
  at: z.string().optional(),
  /** For a decision: the service whose call is opened, where it is not the first one of the trace. */
  caller: z.string().optional(),
  /** What to look at, in one or two short sentences. */
  look: z.string().min(30).max(220),
  /** Text that the view then has; between slashes, a regular expression. */
  sees: z.string().min(3),
});
export type ShowInLab = z.infer<typeof inLab>;

/** For terms that no lab can show: why, in a sentence. */
const notYet = z.strictObject({ not: z.string().min(20).max(200) });

export const showSchema = z.union([inLab, notYet]);
export type Show = z.infer<typeof showSchema>;

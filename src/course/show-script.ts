import type { ShowStep, ShowView } from './show.ts';

/** What comes by itself comes in these six seconds, on a busy machine too. */
export const untilTries = 30;
export const untilEveryMs = 200;

export interface AppliedText {
  file: string;
  text: string;
}

/** What a page asks for about a word that stands in a text. */
export interface WordCard {
  term: string;
  slug: string;
  respelling: string;
  definition: string;
  /** Absent: no lab shows it. */
  show?: ShowScript;
}

/** What a lab page reads of a term: the steps with the text of their files. */
export interface ShowScript {
  term: string;
  slug: string;
  lab: string;
  /** The lab's own files, by which the page knows that nobody has worked in it yet. */
  start: AppliedText[];
  steps: ({ files: AppliedText[] } | Exclude<ShowStep, { apply: string }>)[];
  view: ShowView;
  at?: string;
  caller?: string;
  look: string;
}

/** The address at which the lab shows the term. */
export const showAddress = (lab: string, slug: string): string => `/lab/${lab}/?word=${slug}`;

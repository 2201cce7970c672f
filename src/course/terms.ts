import type { TermData } from './schemas.ts';

/** The name of a term's file and page: `VirtualService` → `virtualservice`, `data plane` → `data-plane`. */
export function slugOf(term: string): string {
  return term
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** A piece of a text. */
export interface Run {
  readonly text: string;
  readonly strong: boolean;
  /** Where it begins, in characters; unique within its text. */
  readonly at: number;
}

/** Numbers pieces by where they begin. */
export function placed(runs: readonly Omit<Run, 'at'>[]): Run[] {
  const placedRuns: Run[] = [];
  let at = 0;
  for (const run of runs) {
    placedRuns.push({ ...run, at });
    at += run.text.length;
  }
  return placedRuns;
}

/** Splits a phrase at its [term]; the term is strong. */
export function phraseRuns(phrase: string): Run[] {
  return placed(
    phrase
      .split(/(\[[^\]]+\])/)
      .filter(Boolean)
      .map((text) => (text.startsWith('[') ? { text: text.slice(1, -1), strong: true } : { text, strong: false })),
  );
}

/** Splits a respelling at its stressed syllables, the ones in capitals: `DAY-tuh` → **DAY**-tuh. */
export function stressRuns(respelling: string): Run[] {
  return placed(
    respelling
      .split(/(\b[A-Z]{2,}\b)/)
      .filter(Boolean)
      .map((text) => ({ text, strong: /^[A-Z]{2,}$/.test(text) })),
  );
}

/** In text, a service name or an abbreviation keeps its case; an ordinary term is in lower case already. */
export function byName(a: Pick<TermData, 'term'>, b: Pick<TermData, 'term'>): number {
  return a.term.localeCompare(b.term, 'en', { sensitivity: 'base' });
}

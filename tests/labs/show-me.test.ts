import { describe, expect, it } from 'vitest';
import type { ShowInLab } from '../../src/course/show.ts';
import { runLab } from '../support/lab-runner.ts';
import { finds, showIn } from '../support/show-me.ts';
import { loadTerms } from '../unit/content/load.ts';

interface Shown {
  readonly term: string;
  readonly show: ShowInLab;
}

/** Words that need the same steps in the same lab are looked for in one run of it. */
function runsOf(shown: readonly Shown[]): Map<string, Shown[]> {
  const runs = new Map<string, Shown[]>();
  for (const one of shown) {
    const key = JSON.stringify([one.show.lab, one.show.do, one.show.view]);
    runs.set(key, [...(runs.get(key) ?? []), one]);
  }
  return runs;
}

const shown = loadTerms().flatMap(({ data: { term, show } }) => ('lab' in show ? [{ term, show }] : []));
const runs = [...runsOf(shown).values()].map((words) => ({ words, names: words.map(({ term }) => term).join(', ') }));

/** Most of the time a run waits: for pods, for answers, for a retry. */
describe('the lab shows', () => {
  it.concurrent.each(runs)(
    '$names',
    // A machine that is busy otherwise cannot send a burst at once.
    { timeout: 120_000, retry: 2 },
    async ({ words }) => {
      const first = words[0] as Shown;
      const running = await runLab(first.show.lab);
      try {
        const missingIn = (text: string) => words.filter(({ show }) => !finds(text, show.sees)).map(({ term }) => term);
        const text = await showIn(running, first.show, (seen) => missingIn(seen).length === 0);
        const missing = missingIn(text);
        expect({ missing, ...(missing.length > 0 ? { text } : {}) }).toEqual({ missing: [] });
      } finally {
        await running.stop();
      }
    },
  );
});

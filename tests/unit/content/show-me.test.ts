import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readShow } from '../../../src/course/read-show.ts';
import { slugOf } from '../../../src/course/terms.ts';
import { labIds, loadLab, loadTerms, root } from './load.ts';

const terms = loadTerms().map(({ data }) => data);
const shown = terms.flatMap(({ term, show }) => ('lab' in show ? [{ term, show }] : []));

/** Ids of a lab's traffic. */
const trafficOf = (lab: string): string[] => {
  const { traffic = [] } = parse(readFileSync(join(root, 'labs', lab, 'lab.yaml'), 'utf8')) as {
    traffic?: { id: string }[];
  };
  return traffic.map(({ id }) => id);
};

describe('what the lab does to show a term', () => {
  it('is there for every term, or the reason why not', () => {
    expect(terms).toHaveLength(185);
    // What is left out belongs to a lab that does not exist, to another mesh, or to people.
    expect(terms.length - shown.length).toBeLessThanOrEqual(17);
  });

  it('says “no lab” only of words that no lab is about', () => {
    const unknown = terms.filter(({ show }) => 'not' in show && show.not.startsWith('No lab'));
    const taught = new Set(labIds().flatMap((id) => loadLab(id)?.terms ?? []));
    expect(unknown.map(({ term }) => slugOf(term)).filter((slug) => taught.has(slug))).toEqual([]);
  });

  it.each(shown)('$term: has a lab, its folders and its traffic', ({ term, show }) => {
    expect(existsSync(join(root, 'labs', show.lab, 'lab.yaml'))).toBe(true);
    const { steps } = readShow(term, term, show, root);
    for (const step of steps) if ('files' in step) expect(step.files.length).toBeGreaterThan(0);
    const traffic = trafficOf(show.lab);
    for (const step of show.do) {
      if (!('send' in step)) continue;
      expect(traffic.length).toBeGreaterThan(0);
      if (step.send.traffic) expect(traffic).toContain(step.send.traffic);
    }
  });

  it.each(shown)('$term: prepares what its view shows', ({ show }) => {
    if (show.view === 'terminal') expect(show.do.findLast((step) => !('until' in step))).toHaveProperty('run');
    if (show.view === 'why' || show.view === 'trace') expect(show.do.some((step) => 'send' in step)).toBe(true);
    if (show.at === 'handshake') expect(show.do.some((step) => 'send' in step)).toBe(true);
  });
});

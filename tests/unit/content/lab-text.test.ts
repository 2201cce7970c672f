import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { listLabs, textOfLab } from '../../../src/islands/lab/catalogue.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'labs');
const labs = listLabs(root);
const lab = (id: string) => {
  const entry = labs.find((each) => each.id === id);
  if (!entry) throw new Error(`there is no lab ${id}`);
  return textOfLab(entry, root);
};

describe('the text of a lab', () => {
  // The game of blame and an incident have one page to read.
  it.each(labs.map(({ id, incident, blame }) => [id, incident || blame ? 1 : 3] as const))(
    '(%s) has at least %i steps, each with a title and words',
    (id, least) => {
      const { steps } = lab(id);
      expect(steps.length).toBeGreaterThanOrEqual(least);
      for (const { title, html } of steps) {
        expect(title).not.toBe('');
        expect(html).toMatch(/^<\w/);
      }
    },
  );

  it('has a runbook in each incident, and in no other lab', () => {
    const withRunbook = labs.filter(({ id }) => lab(id).runbook !== '').map(({ id }) => id);
    expect(withRunbook).toEqual(labs.filter(({ incident }) => incident).map(({ id }) => id));
    expect(withRunbook).toContain('inc-slow-reviews');
  });

  it('gives each line of a run block the words that a button types', () => {
    const html = lab('bookinfo')
      .steps.map((step) => step.html)
      .join('');
    expect(html).toContain(
      'data-run="curl -s http://$GATEWAY_URL/productpage | grep -o &quot;glyphicon-star&quot; | wc -l"',
    );
  });

  it('is missed where the file is not there', () => {
    const entry = { ...labs[0], id: 'nowhere' } as (typeof labs)[number];
    expect(() => textOfLab(entry, root)).toThrow(/nowhere.text\.md/);
  });
});

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { responseFlags } from '#telemetry';
import { cardsOf, deckOf } from '../../../src/course/cards.ts';
import { yamlTokens } from '../../../src/course/highlight-yaml.ts';
import { phraseRuns, slugOf, stressRuns } from '../../../src/course/terms.ts';
import { checkWords } from '../../../src/course/word-check.ts';
import { labIds, loadExtraCards, loadLab, loadTerms } from './load.ts';

const files = loadTerms();
const terms = files.map(({ data }) => data);
const slugs = new Set(terms.map(({ term }) => slugOf(term)));
const labs = labIds();

describe('the glossary', () => {
  it('names each file after its term', () => {
    for (const { file, data } of files) expect(file).toBe(`${slugOf(data.term)}.md`);
  });

  it.each(terms)('$term: relates to words that exist, or says them in full elsewhere', ({ term, related }) => {
    const known = related.filter((other) => slugs.has(slugOf(other)));
    expect(known.length).toBeGreaterThanOrEqual(2);
    expect(related).not.toContain(term);
  });

  it.each(terms)('$term: asks contrasts whose answer is one of the two', ({ term, confusedWith }) => {
    for (const pair of confusedWith) expect([term, pair.term]).toContain(pair.answer);
  });

  it.each(terms)('$term: marks a stressed syllable, unless it has only one', ({ respelling }) => {
    const syllables = respelling.split(/[-\s]/);
    if (syllables.length > 1) expect(stressRuns(respelling).some(({ strong }) => strong)).toBe(true);
  });

  it.each(terms)('$term: marks itself in both phrases', ({ term, aliases, say }) => {
    for (const phrase of [say.review, say.incident]) {
      const marked = phraseRuns(phrase)
        .filter(({ strong }) => strong)
        .map(({ text }) => text.toLowerCase());
      expect([term, ...aliases].map((name) => name.toLowerCase())).toContain(marked[0]);
    }
  });

  it.each(terms)('$term: is met in a lab that exists', ({ lab }) => {
    if (lab !== undefined && labs.length > 0) expect(labs).toContain(lab);
  });

  it.each(labs)('has every word that the lab %s names', (id) => {
    expect(loadLab(id)?.terms.filter((term) => !slugs.has(slugOf(term)))).toEqual([]);
  });
});

describe('cards', () => {
  const extra = loadExtraCards();
  const deck = deckOf(terms, extra);

  it('finds the term of every card that is written beside the pages', () => {
    const names = new Set(terms.map(({ term }) => term));
    const cards = [...extra.gaps, ...extra.flags, ...extra.orders, ...extra.bugs];
    expect(cards.filter(({ term }) => !names.has(term))).toEqual([]);
    expect(cards.length).toBe(deck.length - deckOf(terms).length);
  });

  it.each(deck.filter(({ type }) => type === 'yaml'))('$id: hides every place of the word', ({ code, answer }) => {
    const open = (code ?? []).filter(({ strong }) => !strong).map(({ text }) => text);
    expect(code?.filter(({ strong }) => strong).map(({ text }) => text)).toContain(answer);
    expect(open.join('▢')).not.toMatch(new RegExp(`(?<![\\w.])${answer.replace(/[{}.]/g, '\\$&')}(?![\\w.])`));
  });

  it.each(deck.filter(({ choices }) => choices))('$id: offers its answer, and nothing twice', ({ choices, answer }) => {
    expect(choices).toContain(answer);
    expect(new Set(choices).size).toBe(choices?.length);
  });

  it.each(extra.flags)('flag $id: is one that our proxies set', ({ flag, choices }) => {
    const known = new Set([...Object.keys(responseFlags), '-']);
    expect([flag, ...choices].filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(extra.bugs)('bug $id: is YAML that can be read', ({ code }) => {
    expect(() => parse(code)).not.toThrow();
  });

  it('orders things that differ', () => {
    for (const { parts } of extra.orders) expect(new Set(parts).size).toBe(parts.length);
  });

  it('gives each term six kinds of cards', () => {
    for (const term of terms) {
      expect(new Set(cardsOf(term).map(({ type }) => type))).toEqual(
        new Set(['meaning', 'term', 'cloze', 'say', 'contrast', 'hear']),
      );
    }
  });

  it('gives no id twice', () => {
    const ids = deck.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('hides the word in the question that asks for it', () => {
    for (const card of deck.filter(({ type }) => type === 'term' || type === 'cloze')) {
      const open = card.ask
        .filter(({ strong }) => !strong)
        .map(({ text }) => text)
        .join(' ');
      expect(
        card.ask.some(({ strong }) => strong),
        card.id,
      ).toBe(true);
      expect(new RegExp(`\\b${card.term}\\b`, 'i').test(open), `${card.id}: ${open}`).toBe(false);
    }
  });
});

describe('text helpers', () => {
  it('splits a respelling at its capitals', () => {
    expect(stressRuns('DAY-tuh playn').map(({ text, strong }) => [text, strong])).toEqual([
      ['DAY', true],
      ['-tuh playn', false],
    ]);
  });

  it('colours keys, values, numbers and comments of YAML and loses no character', () => {
    const text = 'http:\n  - timeout: 1s # short\n    route: [{host: "a:b", weight: 90}]';
    const tokens = yamlTokens(text);
    expect(tokens.map((token) => token.text).join('')).toBe(text);
    const of = (kind: string) => tokens.filter((token) => token.kind === kind).map((token) => token.text.trim());
    expect(of('k')).toEqual(['http', 'timeout', 'route', 'host', 'weight']);
    expect(of('d')).toEqual(['1s', '90']);
    expect(of('s')).toEqual(['"a:b"']);
    expect(of('c')).toEqual(['# short']);
  });

  it.each(
    files.flatMap(({ data }) =>
      data.stands.filter(({ kind }) => kind === 'yaml').map(({ text }) => ({ term: data.term, text })),
    ),
  )('loses no character of the YAML of $term', ({ text }) => {
    expect(
      yamlTokens(text)
        .map((token) => token.text)
        .join(''),
    ).toBe(text);
  });

  it('finds a term in the plural, with a hyphen, in any case, and not inside another word', () => {
    const check = (text: string) => checkWords(text, ['data plane', 'Istio', 'namespace']).used;
    expect(check('Both Data-planes are in one namespace.')).toEqual(['data plane', 'namespace']);
    expect(check('istiod is not the same word')).toEqual([]);
  });

  it('counts words, ports and addresses as one each', () => {
    expect(checkWords('Port 15001, not 0.0.0.0:8080: a proxy’s own.', []).words).toBe(7);
  });
});

import { describe, expect, it } from 'vitest';
import { createWordSearch, searchable } from '../../../src/course/word-index.ts';
import { loadTerms } from './load.ts';

const terms = loadTerms().map(({ data }) => data);
const find = createWordSearch(searchable(terms));
const best = (text: string, count: number): string[] =>
  find(text)
    .slice(0, count)
    .map(({ term }) => term);

describe('the search of words', () => {
  it.each(terms)('$term: is the best find for its name', ({ term }) => {
    expect(best(term, 1)).toEqual([term]);
  });

  it.each(terms)('$term: is found by its other names, its abbreviations and its usual misspellings', (word) => {
    const missed = [...word.aliases, ...word.misspellings].filter((text) => !best(text, 5).includes(word.term));
    expect(missed).toEqual([]);
  });

  it.each(terms)('$term: is found by its sound, with and without the marks of stress', ({ term, ipa, ipaUk }) => {
    const sounds = [ipa, ipaUk ?? ipa].flatMap((sound) => [sound, sound.replace(/[/ˈˌ]/g, '')]);
    expect(sounds.filter((sound) => !best(sound, 5).includes(term))).toEqual([]);
  });
});

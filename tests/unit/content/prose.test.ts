import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import dictionary from 'dictionary-en';
import { fleschKincaid } from 'flesch-kincaid';
import nspell from 'nspell';
import { syllable } from 'syllable';
import { describe, expect, it } from 'vitest';
import { loadTerms } from './load.ts';
import { allProse } from './prose-list.ts';

const prose = allProse();

/** Words of the field that no dictionary has: names, abbreviations, terms of art. One on a line. */
const own = readFileSync(join(import.meta.dirname, 'own-words.txt'), 'utf8')
  .split('\n')
  .filter(Boolean);
const terms = loadTerms().flatMap(({ data }) => [data.term, ...data.aliases].flatMap((name) => name.split(/[\s/-]+/)));

const spelling = nspell(Buffer.from(dictionary.aff), Buffer.from(dictionary.dic));
for (const word of [...own, ...terms]) spelling.add(word);

/** Words as they are spelt: no code, no names with digits, dots or capitals inside. */
function wordsOf(text: string): string[] {
  return (
    text
      .replace(/[`'"“”‘’]\S*[=:/_{}]\S*/g, ' ')
      .match(/(?<![\w.\-/@:$%])[A-Za-z][A-Za-z'’]*[A-Za-z](?![\w\-/@:=_({]|\.\w)/g) ?? []
  )
    .map((word) => word.replace(/’/g, "'").replace(/'s$/, ''))
    .filter((word) => !/[a-z][A-Z]|^[A-Z]{2,}s?$/.test(word));
}

describe('the prose of the course', () => {
  it('is there', () => {
    expect(prose.length).toBeGreaterThan(2_000);
  });

  it('has no word that is misspelt', () => {
    const unknown = new Map<string, string>();
    for (const { place, text } of prose)
      for (const word of wordsOf(text))
        if (!spelling.correct(word) && !spelling.correct(word.toLowerCase())) unknown.set(word, place);
    expect([...unknown].map(([word, place]) => `${word} (${place})`)).toEqual([]);
  });

  it('has no word of its own list that nobody uses', () => {
    const used = new Set(prose.flatMap(({ text }) => wordsOf(text)).map((word) => word.toLowerCase()));
    expect(own.filter((word) => !used.has(word.toLowerCase()))).toEqual([]);
  });

  it('can be read by people who learnt English at school: on average below grade 8, no long text above 10', () => {
    const grades = prose.map(({ place, text }) => ({ place, ...gradeOf(text) })).filter(({ words }) => words >= 100);
    const mean = grades.reduce((sum, { grade }) => sum + grade, 0) / grades.length;
    expect(mean).toBeLessThan(8);
    expect(grades.filter(({ grade }) => grade > 10).map(({ place, grade }) => `${place}: ${grade.toFixed(1)}`)).toEqual(
      [],
    );
  });
});

/** Flesch-Kincaid: years of school that a text asks for. */
function gradeOf(text: string): { grade: number; words: number } {
  const words = text.match(/[A-Za-z][\w'’-]*/g) ?? [];
  const sentence = Math.max(1, (text.match(/[.!?:](?=\s|$)/g) ?? []).length);
  const syllables = words.reduce((sum, word) => sum + syllable(word), 0);
  return { grade: fleschKincaid({ sentence, word: words.length, syllable: syllables }), words: words.length };
}

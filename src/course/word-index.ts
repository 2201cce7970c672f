import MiniSearch from 'minisearch';
import type { TermData } from './schemas.ts';
import { slugOf } from './terms.ts';

/** What the search of words knows of one word. */
export interface FoundWord {
  id: string;
  term: string;
  gist: string;
  definition: string;
  aliases: string;
  misspellings: string;
  respelling: string;
  /** Both pronunciations, without the marks of stress and length. */
  ipa: string;
  /** YAML, logs and phrases in which the word is met. */
  met: string;
}

/** Signs that a reader leaves out when he types a sound: stress, length, ties, slashes. */
const bareIpa = (text: string): string => text.replace(/[/ˈˌː.ˑ‿]/g, '');

/** Letters that stand in IPA only: whoever types one of them means a sound. */
const isIpa = (text: string): boolean => /[ˈˌːɑɒɔæəɚɝɜɛɪʊʌʃʒθðŋɡ]/.test(text);

export function searchable(words: readonly TermData[]): FoundWord[] {
  return words.map((word) => ({
    id: slugOf(word.term),
    term: word.term,
    gist: word.gist,
    definition: word.definition,
    aliases: word.aliases.join(' '),
    misspellings: word.misspellings.join(' '),
    respelling: word.respelling,
    ipa: bareIpa([word.ipa, word.ipaUk ?? ''].join(' ')),
    met: [...word.stands.map(({ text }) => text), word.say.review, word.say.incident]
      .join(' ')
      .replace(/[[\]{}]/g, ' '),
  }));
}

/** Finds words by name, other name, usual misspelling, sound or meaning, best first; at most `most`. */
export function createWordSearch(words: readonly FoundWord[], most = 20): (text: string) => FoundWord[] {
  const index = new MiniSearch<FoundWord>({
    fields: ['term', 'aliases', 'misspellings', 'respelling', 'ipa', 'gist', 'definition', 'met'],
    searchOptions: {
      boost: { term: 6, aliases: 4, misspellings: 4, ipa: 4, gist: 2 },
      prefix: true,
      fuzzy: (word) => (word.length > 4 ? 0.25 : false),
      combineWith: 'AND',
    },
  });
  index.addAll(words);
  const byId = new Map(words.map((word) => [word.id, word]));
  const byName = new Map(words.map((word) => [word.term.toLowerCase(), word]));
  return (text) => {
    const wanted = isIpa(text) ? { text: bareIpa(text), options: { fields: ['ipa'] } } : { text, options: {} };
    const strict = index.search(wanted.text, wanted.options);
    const hits = strict.length > 0 ? strict : index.search(wanted.text, { ...wanted.options, combineWith: 'OR' });
    const found = hits.flatMap(({ id }) => byId.get(String(id)) ?? []);
    // Whoever types the whole name wants that word before all that contain it.
    const named = byName.get(text.trim().toLowerCase());
    return [...(named ? [named] : []), ...found.filter((word) => word !== named)].slice(0, most);
  };
}

import type { Explain } from '../../course/exercises.ts';

type Facts = Explain['facts'];

/** A sentence of a text, and what it says of the question. */
export interface Sentence {
  /** As it was written. */
  readonly own: string;
  /** With the one before it, where it begins with a word that points back: "So …". */
  readonly text: string;
  /** Facts that it states: one of each of their lists of words. */
  readonly states: readonly string[];
  /** It speaks about a fact of the question: two lists of one fact are met. */
  readonly bears: boolean;
}

const pointsBack =
  /^(?:so|therefore|thus|hence|that|this|which|as a result|because of this|otherwise|given this|it|they|for this reason)\b/i;

/** The sentences of a text; one that is written twice counts once. */
export function readSentences(facts: Facts, text: string): Sentence[] {
  const all = text
    .split(/(?<=[.!?])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter(Boolean);
  const own = [...new Map(all.map((sentence) => [sentence.toLowerCase(), sentence])).values()];
  return own.map((sentence, index) => {
    const whole = pointsBack.test(sentence) ? `${own[index - 1] ?? ''} ${sentence}` : sentence;
    const met = facts.map(({ says, words }) => ({
      says,
      of: words.length,
      lists: words.filter((list) => has(list, whole)),
    }));
    return {
      own: sentence,
      text: whole,
      states: met.filter(({ of, lists }) => lists.length === of).map(({ says }) => says),
      bears: met.some(({ lists }) => lists.length >= 2),
    };
  });
}

/** One of the ways stands in the text, in any of its usual endings. */
function has(list: string, text: string): boolean {
  return list
    .split('|')
    .some((way) =>
      new RegExp(`(?<![\\w-])${escaped(way).replace(/\s+/g, '[\\s-]+')}(?:s|es|d|ed|ing)?(?![\\w-])`, 'i').test(text),
    );
}

const RUN = 5;

/**
 * The share of a text's words that stand in one of the models in the same order, in runs of five words or more. A text of which most
 * words do is not the learner's, even with a word changed here and there.
 */
export function borrowedShare({ models }: Explain, text: string): number {
  const words = wordsOf(text);
  const shares = models.map((model) => {
    const theirs = wordsOf(model.text);
    const runs = new Set(theirs.slice(RUN - 1).map((_, start) => theirs.slice(start, start + RUN).join(' ')));
    const taken = new Set<number>();
    for (let start = 0; start + RUN <= words.length; start++)
      if (runs.has(words.slice(start, start + RUN).join(' ')))
        for (let place = start; place < start + RUN; place++) taken.add(place);
    return taken.size;
  });
  return words.length === 0 ? 0 : Math.max(...shares) / words.length;
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

export function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

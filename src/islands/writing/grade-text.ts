import type { Explain } from '../../course/exercises.ts';
import { checkWords } from '../../course/word-check.ts';

/** One of the five rules, with what was found; 0 to 3. */
export interface RuleMark {
  readonly id: 'correct' | 'causal' | 'vocabulary' | 'specific' | 'limits';
  readonly name: string;
  /** The rule in words, shown before the learner writes. */
  readonly rule: string;
  readonly mark: 0 | 1 | 2 | 3;
  readonly found: readonly string[];
  readonly advice: string;
}

export interface TextGrade {
  readonly words: number;
  readonly rules: readonly RuleMark[];
  readonly score: number;
  readonly of: 15;
  readonly passed: boolean;
}

export const leastWords = 80;
export const mostWords = 120;
const passScore = 10;

/** The rules as the learner reads them; the grader does what they say and nothing else. */
export const ruleTexts: Readonly<Record<RuleMark['id'], { readonly name: string; readonly rule: string }>> = {
  correct: { name: 'Correct', rule: 'No false claim. One false claim leaves 1 of 3, two leave none.' },
  causal: {
    name: 'Causal',
    rule: 'Says why: a point for each because, so, therefore, which means or that is why, at most 3.',
  },
  vocabulary: {
    name: 'Vocabulary',
    rule: 'Key terms inside sentences of at least six words, at most three terms in one sentence: 5 give 3, 4 give 2, 2 give 1.',
  },
  specific: { name: 'Specific', rule: 'Names fields, flags, commands or numbers: a point for each, at most 3.' },
  limits: {
    name: 'Limits',
    rule: 'Says when not, or what it costs: a point for each but, unless, only, except, however or does not, at most 3.',
  },
};

const causes = [
  'because',
  'so that',
  'so',
  'therefore',
  'that is why',
  'as a result',
  'which means',
  'since',
  'leads to',
  'causes',
  'hence',
];
const limits = [
  'but',
  'unless',
  'only',
  'except',
  'however',
  'does not',
  'do not',
  'cannot',
  'not every',
  'although',
  'costs',
  'instead of',
];

/** Marks a text by the five rules. Length outside 80 to 120 words cannot pass. */
export function gradeText(exercise: Explain, text: string): TextGrade {
  const sentences = sentencesOf(text);
  const { words } = checkWords(text, []);
  const rules = [
    correct(exercise, text),
    counted('causal', places(sentences, causes), 'Join two facts by because, so or which means.'),
    vocabulary(exercise, sentences),
    specific(exercise, text),
    counted('limits', places(sentences, limits), 'Say where it ends, or what it costs.'),
  ];
  const score = rules.reduce((sum, { mark }) => sum + mark, 0);
  const inLength = words >= leastWords && words <= mostWords;
  return { words, rules, score, of: 15, passed: inLength && score >= passScore && rules.every(({ mark }) => mark > 0) };
}

/** Sentences of the text that stand in a model word for word. A text with as many of them as own ones is not the learner's. */
export function borrowed({ models }: Explain, text: string): { readonly sentences: number; readonly most: boolean } {
  const theirs = new Set(models.flatMap((model) => sentencesOf(model.text)).map(plain));
  const own = sentencesOf(text).map(plain);
  const sentences = own.filter((sentence) => theirs.has(sentence)).length;
  return { sentences, most: sentences * 2 >= own.length && sentences > 0 };
}

const plain = (sentence: string): string =>
  sentence
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Sentences; one that is written twice counts once. */
function sentencesOf(text: string): string[] {
  const all = text
    .split(/(?<=[.!?])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter(Boolean);
  return [...new Map(all.map((sentence) => [sentence.toLowerCase(), sentence])).values()];
}

function correct({ forbidden }: Explain, text: string): RuleMark {
  const found = forbidden.filter(({ claim }) => claimPattern(claim).test(text));
  const mark = found.length === 0 ? (text.trim() === '' ? 0 : 3) : found.length === 1 ? 1 : 0;
  return {
    id: 'correct',
    ...ruleTexts.correct,
    mark,
    found: found.map(({ why }) => why),
    advice: found.length > 0 ? 'Take out what is not so.' : '',
  };
}

function vocabulary({ terms }: Explain, sentences: readonly string[]): RuleMark {
  const used = new Set<string>();
  for (const sentence of sentences) {
    const here = checkWords(sentence, terms);
    if (here.words >= 6 && here.used.length <= 3) for (const term of here.used) used.add(term);
  }
  const mark = used.size >= 5 ? 3 : used.size === 4 ? 2 : used.size >= 2 ? 1 : 0;
  const left = terms.filter((term) => !used.has(term));
  return {
    id: 'vocabulary',
    ...ruleTexts.vocabulary,
    mark,
    found: [...used],
    advice: mark < 3 ? `Not used yet: ${left.join(', ')}.` : '',
  };
}

function specific({ specific: names }: Explain, text: string): RuleMark {
  const found = names.filter((name) => new RegExp(`(?<![\\w-])${escaped(name)}(?![\\w-])`, 'i').test(text));
  const numbers = text.match(/(?<![\w.])\d[\d.,]*\s?(?:%|ms|s|percent|seconds?|times)?/g) ?? [];
  return counted('specific', [...found, ...numbers], 'Name a field, a flag, a command or a number.');
}

function counted(id: RuleMark['id'], found: readonly string[], advice: string): RuleMark {
  const distinct = [...new Set(found.map((each) => each.trim().toLowerCase()))];
  const mark = Math.min(3, id === 'specific' ? distinct.length : found.length) as RuleMark['mark'];
  return { id, ...ruleTexts[id], mark, found: distinct, advice: mark < 2 ? advice : '' };
}

/** The first of the words that stands in each sentence: a sentence counts once. */
function places(sentences: readonly string[], words: readonly string[]): string[] {
  return sentences
    .filter((sentence) => checkWords(sentence, []).words >= 6)
    .flatMap(
      (sentence) => words.find((word) => new RegExp(`(?<![\\w-])${escaped(word)}(?![\\w-])`, 'i').test(sentence)) ?? [],
    );
}

/** `mTLS … authorizes|mTLS … decides who may` as one expression; a few words may stand between, no sentence end, no negation. */
export function claimPattern(claim: string): RegExp {
  const ways = claim.split('|').map((way) =>
    way
      .split('…')
      .map((piece) => escaped(piece.trim()).replace(/\s+/g, '[\\s-]+'))
      .join("(?:[\\s,]+(?!(?:not|never|no|nothing|cannot|isn't|doesn't|does|don't)\\b)[\\w'’/-]+){0,6}?[\\s,]+"),
  );
  return new RegExp(`(?<!\\b(?:no|not|never) )(?<![\\w-])(?:${ways.join('|')})(?![\\w-])`, 'i');
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

import type { Explain } from '../../course/exercises.ts';
import { checkWords } from '../../course/word-check.ts';
import { claims } from './claims.ts';
import { escaped, readSentences, type Sentence } from './sentences.ts';

/** One of the five rules, with what was found; 0 to 3. */
export interface RuleMark {
  readonly id: 'correct' | 'causal' | 'vocabulary' | 'specific' | 'limits';
  readonly name: string;
  /** The rule in words, shown before the learner writes. */
  readonly rule: string;
  readonly mark: 0 | 1 | 2 | 3;
  readonly found: readonly string[];
  /** How many of the found are against the learner. */
  readonly wrong: number;
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
  correct: {
    name: 'Correct',
    rule: 'States facts that answer the question: a point for each, at most 3. A false claim takes two points away.',
  },
  causal: {
    name: 'Causal',
    rule: 'Joins such facts to their reason or effect: a point for each sentence with because, so, therefore, which means and the like, at most 3.',
  },
  vocabulary: {
    name: 'Vocabulary',
    rule: 'Key terms in sentences of at least six words that speak about such a fact, at most three terms in one: 5 give 3, 4 give 2, 2 give 1.',
  },
  specific: {
    name: 'Specific',
    rule: 'Names fields, flags, commands, or numbers with their unit: a point for each, at most 3.',
  },
  limits: {
    name: 'Limits',
    rule: 'Says when not, or what it costs, in such a sentence: a point for each but, unless, only, except, however or does not, at most 3.',
  },
};

const causes = [
  'because',
  'so that',
  'so',
  'therefore',
  'thus',
  'that is why',
  'which is why',
  'as a result',
  'which means',
  'this means',
  'since',
  'leads to',
  'causes',
  'hence',
  'due to',
  'given that',
  'given this',
  'otherwise',
  'for this reason',
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
  'even if',
  'costs',
  'instead of',
  'without',
  'until',
];

/** Marks a text by the five rules. Length outside 80 to 120 words cannot pass. */
export function gradeText(exercise: Explain, text: string): TextGrade {
  const sentences = readSentences(exercise.facts, text);
  const { words } = checkWords(text, []);
  const rules = [
    correct(exercise, sentences, text),
    causal(sentences),
    vocabulary(exercise, sentences),
    specific(exercise, sentences),
    counted('limits', places(sentences, limits), 'Say where it ends, or what it costs.'),
  ];
  const score = rules.reduce((sum, { mark }) => sum + mark, 0);
  const inLength = words >= leastWords && words <= mostWords;
  return { words, rules, score, of: 15, passed: inLength && score >= passScore && rules.every(({ mark }) => mark > 0) };
}

function correct({ facts, forbidden }: Explain, sentences: readonly Sentence[], text: string): RuleMark {
  const stated = new Set(sentences.flatMap(({ states }) => states));
  const falsehoods = forbidden.filter(({ claim }) => claims(claim, text));
  const mark = Math.max(0, Math.min(3, stated.size) - 2 * falsehoods.length) as RuleMark['mark'];
  const open = facts.filter(({ says }) => !stated.has(says)).map(({ says }) => says);
  return {
    id: 'correct',
    ...ruleTexts.correct,
    mark,
    found: [...falsehoods.map(({ why }) => why), ...[...stated].map((says) => `${says}.`)],
    wrong: falsehoods.length,
    advice:
      falsehoods.length > 0
        ? 'Take out what is not so.'
        : mark < 3
          ? `Not found in your text: ${open.join('; ')}.`
          : '',
  };
}

/** A fact is joined once, however many words of cause stand around it. */
function causal(sentences: readonly Sentence[]): RuleMark {
  const joined = new Map<string, string>();
  for (const { text, states } of sentences) {
    const cause = firstOf(causes, text);
    for (const fact of cause === undefined ? [] : states) if (!joined.has(fact)) joined.set(fact, cause ?? '');
  }
  return counted('causal', [...joined.values()], 'Join a fact to its reason by because, so or which means.');
}

function vocabulary({ terms }: Explain, sentences: readonly Sentence[]): RuleMark {
  const used = new Set<string>();
  for (const { text, bears } of sentences) {
    const here = checkWords(text, terms);
    if (bears && here.words >= 6 && here.used.length <= 3) for (const term of here.used) used.add(term);
  }
  const mark = used.size >= 5 ? 3 : used.size === 4 ? 2 : used.size >= 2 ? 1 : 0;
  const left = terms.filter((term) => !used.has(term));
  return {
    id: 'vocabulary',
    ...ruleTexts.vocabulary,
    mark,
    found: [...used],
    wrong: 0,
    advice: mark < 3 ? `Not used yet, or not to say anything: ${left.join(', ')}.` : '',
  };
}

function specific({ specific: names }: Explain, sentences: readonly Sentence[]): RuleMark {
  const text = sentences
    .filter(({ bears }) => bears)
    .map((sentence) => sentence.text)
    .join(' ');
  const found = names.filter((name) => new RegExp(`(?<![\\w-])${escaped(name)}(?![\\w-])`, 'i').test(text));
  const numbers = (text.match(/(?<![\w.])\d[\d.,]*\s?(?:%|ms|s|h|percent|seconds?|hours?|times)(?!\w)/g) ?? []).filter(
    (number) => !found.some((name) => name.replace(/\s/g, '') === number.replace(/\s/g, '')),
  );
  return counted('specific', [...found, ...numbers], 'Name a field, a flag, a command, or a number with its unit.');
}

function counted(id: RuleMark['id'], found: readonly string[], advice: string): RuleMark {
  const distinct = [...new Set(found.map((each) => each.trim().toLowerCase()))];
  const mark = Math.min(3, id === 'specific' ? distinct.length : found.length) as RuleMark['mark'];
  return { id, ...ruleTexts[id], mark, found: distinct, wrong: 0, advice: mark < 2 ? advice : '' };
}

/** The first of the words that stands in each sentence that bears a meaning: a sentence counts once. */
function places(sentences: readonly Sentence[], words: readonly string[]): string[] {
  return sentences.filter(({ bears }) => bears).flatMap(({ own }) => firstOf(words, own) ?? []);
}

const firstOf = (words: readonly string[], text: string): string | undefined =>
  words.find((word) => new RegExp(`(?<![\\w-])${escaped(word)}(?![\\w-])`, 'i').test(text));

import type { ExtraCards, TermData } from './schemas.ts';
import { phraseRuns, placed, type Run, slugOf } from './terms.ts';

export type CardType =
  | 'meaning'
  | 'term'
  | 'cloze'
  | 'contrast'
  | 'say'
  | 'hear'
  | 'yaml'
  | 'flag'
  | 'order'
  | 'bug'
  | 'own';

export interface Card {
  /** `<term's slug>:<type>`, with a suffix where a term has several; permanent, since the review log names it. */
  readonly id: string;
  readonly type: CardType;
  readonly term: string;
  readonly slug: string;
  readonly day: number;
  /** What to do, in a few words. */
  readonly task: string;
  /** The question. A run that is strong is the gap of a cloze. */
  readonly ask: readonly Run[];
  /** YAML or a log line under the question. A run that is strong is the gap. */
  readonly code?: readonly Run[];
  /** Names to choose from. */
  readonly choices?: readonly string[];
  /** What is to be put in order, in its right order. */
  readonly parts?: readonly string[];
  /** Spellings that count as right, where the answer is typed. */
  readonly accepts?: readonly string[];
  readonly tags?: readonly string[];
  readonly answer: string;
  /** A second sentence under the answer. */
  readonly note?: string;
  readonly respelling?: string;
  readonly respellingUk?: string;
  readonly ipa?: string;
  readonly ipaUk?: string;
  readonly objectives: readonly string[];
}

/** The cards of one term, in the order in which they are introduced. */
export function cardsOf(data: TermData): Card[] {
  const common = commonOf(data);
  const { slug } = common;
  const cloze = (where: 'review' | 'incident', task: string): Card => ({
    ...common,
    id: `${slug}:cloze-${where}`,
    type: 'cloze',
    task,
    ask: phraseRuns(data.say[where]),
    answer: data.term,
    note: data.definition,
  });
  return [
    {
      ...common,
      id: `${slug}:meaning`,
      type: 'meaning',
      task: 'What does it mean?',
      ask: plain(data.term),
      answer: data.definition,
    },
    cloze('review', 'In a design review. Which word is missing?'),
    {
      ...common,
      id: `${slug}:say`,
      type: 'say',
      task: 'Say it aloud, then check',
      ask: plain(data.term),
      answer: data.gist,
    },
    {
      ...common,
      id: `${slug}:term`,
      type: 'term',
      task: 'Which word is this?',
      ask: masked(data),
      answer: data.term,
      note: data.gist,
    },
    ...data.confusedWith.map(
      (pair): Card => ({
        ...common,
        id: `${slug}:contrast-${slugOf(pair.term)}`,
        type: 'contrast',
        task: 'Which of the two?',
        ask: plain(pair.case),
        choices: [data.term, pair.term].toSorted((a, b) => a.localeCompare(b, 'en')),
        answer: pair.answer,
        note: pair.how,
      }),
    ),
    cloze('incident', 'On an incident call. Which word is missing?'),
    {
      ...common,
      id: `${slug}:hear`,
      type: 'hear',
      task: 'Listen, then type the word',
      ask: [],
      answer: data.term,
      note: data.gist,
      accepts: [data.term, ...data.aliases],
    },
  ];
}

/** All cards, in the order of the given terms: those of its page first, then the ones written beside it. */
export function deckOf(terms: readonly TermData[], extra: ExtraCards = noExtra): Card[] {
  return terms.flatMap((data) => [...cardsOf(data), ...extraCardsOf(data, extra)]);
}

const noExtra: ExtraCards = { gaps: [], flags: [], orders: [], bugs: [] };

/** A term's cards on YAML, flags, orders and bugs. Throws where a gap is not in the term's YAML. */
export function extraCardsOf(data: TermData, extra: ExtraCards): Card[] {
  const common = commonOf(data);
  const own = <Kind extends { readonly term: string }>(cards: readonly Kind[]) =>
    cards.filter(({ term }) => term === data.term);
  const id = (type: CardType, name: string) => `${common.slug}:${type}-${name}`;
  return [
    ...own(extra.gaps).map(
      ({ gap, ask, note }): Card => ({
        ...common,
        id: `${common.slug}:yaml`,
        type: 'yaml',
        task: 'What goes in the gap?',
        ask: plain(ask),
        code: gapRuns(data, gap),
        answer: gap,
        note: note ?? data.gist,
        accepts: [gap],
      }),
    ),
    ...own(extra.flags).map(
      (card): Card => ({
        ...common,
        id: id('flag', card.id),
        objectives: card.objectives,
        type: 'flag',
        task: 'Which flag?',
        ask: plain('Which flag stands in the gap?'),
        code: placed(
          card.line
            .split(/(▢)/)
            .map((text) => (text === '▢' ? { text: card.flag, strong: true } : { text, strong: false })),
        ),
        choices: card.choices,
        answer: card.flag,
        note: card.why,
      }),
    ),
    ...own(extra.orders).map(
      (card): Card => ({
        ...common,
        id: id('order', card.id),
        objectives: card.objectives,
        type: 'order',
        task: 'Put in order',
        ask: plain(card.ask),
        parts: card.parts,
        answer: card.parts.join(' → '),
      }),
    ),
    ...own(extra.bugs).map(
      (card): Card => ({
        ...common,
        id: id('bug', card.id),
        objectives: card.objectives,
        type: 'bug',
        task: 'Find the bug',
        ask: plain(card.ask),
        code: plain(card.code.trimEnd()),
        choices: card.choices,
        answer: card.answer,
        note: card.why,
      }),
    ),
  ];
}

function commonOf(data: TermData) {
  return {
    term: data.term,
    slug: slugOf(data.term),
    day: data.day,
    respelling: data.respelling,
    ipa: data.ipa,
    objectives: data.objectives,
    ...(data.respellingUk ? { respellingUk: data.respellingUk } : {}),
    ...(data.ipaUk ? { ipaUk: data.ipaUk } : {}),
  };
}

/** The YAML of the term that holds the word, with each place of the word as a gap. */
function gapRuns(data: TermData, gap: string): Run[] {
  const word = new RegExp(`(?<![\\w.])(${gap.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')})(?![\\w])`);
  const text = data.stands.filter(({ kind }) => kind === 'yaml').find((stand) => word.test(stand.text))?.text;
  if (text === undefined) throw new Error(`The YAML of ${data.term} does not hold ${gap}.`);
  return placed(
    text
      .trimEnd()
      .split(new RegExp(word.source, 'g'))
      .map((part, index) => ({ text: part, strong: index % 2 === 1 }))
      .filter(({ text: part }) => part !== ''),
  );
}

function plain(text: string): Run[] {
  return placed([{ text, strong: false }]);
}

/** The definition with its own term as a gap. */
function masked(data: TermData): Run[] {
  const names = [data.term, ...data.aliases].map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const own = new RegExp(`((?:\\b(?:an?|the) )?\\b(?:${names.join('|')})(?:e?s)?\\b)`, 'gi');
  return placed(
    data.definition
      .split(own)
      .filter(Boolean)
      .map((text) =>
        new RegExp(`^${own.source}$`, 'i').test(text) ? { text: data.term, strong: true } : { text, strong: false },
      ),
  );
}

import type { TermData } from './schemas.ts';
import { phraseRuns, placed, type Run, slugOf } from './terms.ts';

export type CardType = 'meaning' | 'term' | 'cloze' | 'contrast' | 'say';

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
  /** Two names to choose from, on a contrast card. */
  readonly choices?: readonly string[];
  readonly answer: string;
  /** A second sentence under the answer. */
  readonly note?: string;
  readonly respelling: string;
  readonly respellingUk?: string;
  readonly ipa: string;
  readonly ipaUk?: string;
  readonly objectives: readonly string[];
}

/** The cards of one term, in the order in which they are introduced. */
export function cardsOf(data: TermData): Card[] {
  const slug = slugOf(data.term);
  const common = {
    term: data.term,
    slug,
    day: data.day,
    respelling: data.respelling,
    ipa: data.ipa,
    objectives: data.objectives,
    ...(data.respellingUk ? { respellingUk: data.respellingUk } : {}),
    ...(data.ipaUk ? { ipaUk: data.ipaUk } : {}),
  };
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
  ];
}

/** All cards, in the order of the days; within a day term by term. */
export function deckOf(terms: readonly TermData[]): Card[] {
  return terms.flatMap(cardsOf);
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

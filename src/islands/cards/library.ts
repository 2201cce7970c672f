import type { LogEntry, OwnCard, Settings } from '#contract';
import type { Card } from '../../course/cards.ts';
import { phraseRuns, placed } from '../../course/terms.ts';
import { effective } from './schedule.ts';

export const defaultSettings: Settings = { newPerDay: 8, reviewsPerDay: 60, retention: 0.9, examDate: '' };

/** The deck as this learner has it. */
export interface Library {
  /** Cards of the deck, in their own words where they changed them, and then their own. */
  readonly cards: readonly Card[];
  readonly suspended: ReadonlySet<string>;
  readonly settings: Settings;
}

/** The cards, the suspended ones and the settings: a fold over the log. The later entry wins, field by field in the settings. */
export function openLibrary(deck: readonly Card[], log: readonly LogEntry[]): Library {
  const written = new Map<string, OwnCard | null>();
  const suspended = new Map<string, boolean>();
  let settings = defaultSettings;
  for (const entry of effective(log)) {
    if (entry.kind === 'card') written.set(entry.card, entry.content);
    else if (entry.kind === 'suspend') suspended.set(entry.card, entry.on);
    else if (entry.kind === 'settings') settings = Object.assign({ ...settings }, entry.change);
  }
  const known = new Set(deck.map(({ id }) => id));
  const own = [...written].filter(([id]) => !known.has(id));
  return {
    cards: [
      ...deck.map((card) => reworded(card, written.get(card.id))),
      ...own.flatMap(([id, content]) => (content ? [ownCard(id, content)] : [])),
    ],
    suspended: new Set([...suspended].filter(([, on]) => on).map(([card]) => card)),
    settings,
  };
}

/** A card that the learner wrote. Its own id stands in for a term: no sibling waits for it. */
export function ownCard(id: string, content: OwnCard): Card {
  return {
    id,
    type: 'own',
    term: content.back,
    slug: id,
    day: 0,
    task: content.tags.includes('from a lab') ? 'From your lab' : 'Your own card',
    ask: phraseRuns(content.front),
    answer: content.back,
    ...(content.note ? { note: content.note } : {}),
    ...(content.code ? { code: placed([{ text: content.code, strong: false }]) } : {}),
    tags: content.tags,
    objectives: [],
  };
}

function reworded(card: Card, content: OwnCard | null | undefined): Card {
  if (!content) return card;
  const { note, code, ...rest } = card;
  return {
    ...rest,
    ask: phraseRuns(content.front),
    answer: content.back,
    ...(content.note ? { note: content.note } : {}),
    ...(code ? { code } : {}),
  };
}

/** How a card stands in the editor: its question and its answer as plain text, a gap as `[the word]`. */
export function contentOf(card: Card): OwnCard {
  return {
    front: card.ask.map(({ text, strong }) => (strong ? `[${text}]` : text)).join(''),
    back: card.answer,
    ...(card.note ? { note: card.note } : {}),
    ...(card.code ? { code: card.code.map(({ text }) => text).join('') } : {}),
    tags: [...(card.tags ?? [])],
  };
}

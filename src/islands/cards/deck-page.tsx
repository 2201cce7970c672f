import { useEffect, useMemo, useState } from 'react';
import type { Card, CardType } from '../../course/cards.ts';
import { CardEditor } from './card-editor.tsx';
import { type Library, openLibrary } from './library.ts';
import { PageFrame } from './page-frame.tsx';
import { createScheduler, foldLog, intervalWords, type Memory } from './schedule.ts';
import { leechLapses } from './stats.ts';
import type { LearnerLogState } from './use-log.ts';

export default function DeckPage() {
  return <PageFrame>{(log) => <Deck log={log} />}</PageFrame>;
}

const filters = ['All', 'Seen', 'New', 'Often forgotten', 'Suspended', 'My own'] as const;
type Filter = (typeof filters)[number];
const shownAtOnce = 100;

function Deck({ log }: { log: LearnerLogState }) {
  const library = useMemo(() => openLibrary(log.deck, log.log), [log.deck, log.log]);
  const memories = useMemo(
    () => foldLog(log.log, createScheduler({ retention: library.settings.retention })),
    [log.log, library.settings.retention],
  );
  const [search, setSearch] = useState('');
  const [filter, setFilter] = useState<Filter>('All');
  const [limit, setLimit] = useState(shownAtOnce);
  const [open, setOpen] = useState(() => decodeURIComponent(location.hash.slice(1)));
  useEffect(() => {
    const follow = () => setOpen(decodeURIComponent(location.hash.slice(1)));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const choose = (card: string) => {
    history.replaceState(null, '', card ? `#${encodeURIComponent(card)}` : location.pathname);
    setOpen(card);
  };

  const found = useMemo(
    () => library.cards.filter((card) => passes(filter, card, library, memories.get(card.id)) && matches(card, search)),
    [library, memories, filter, search],
  );
  const edited = open === 'new' ? undefined : library.cards.find(({ id }) => id === open);
  return (
    <div className="deck">
      <div className="deck-tools">
        <label className="field">
          <span>Search {library.cards.length} cards</span>
          <input
            type="search"
            value={search}
            onChange={(event) => {
              setSearch(event.target.value);
              setLimit(shownAtOnce);
            }}
          />
        </label>
        <label className="field">
          <span>Show</span>
          <select value={filter} onChange={(event) => setFilter(event.target.value as Filter)}>
            {filters.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <button type="button" className="btn go" onClick={() => choose('new')}>
          Write a card
        </button>
      </div>
      {(edited || open === 'new') && (
        <CardEditor
          key={open}
          {...(edited ? { card: edited } : {})}
          original={log.deck.find(({ id }) => id === open)}
          suspended={library.suspended.has(open)}
          add={log.add}
          close={() => choose('')}
        />
      )}
      <p className="count" role="status">
        {found.length === 1 ? '1 card' : `${found.length} cards`}
      </p>
      <ul className="deck-list">
        {found.slice(0, limit).map((card) => (
          <li key={card.id}>
            <button
              type="button"
              aria-expanded={open === card.id}
              onClick={() => choose(open === card.id ? '' : card.id)}
            >
              <span className="what">{questionOf(card)}</span> <span className="kind">{kinds[card.type]}</span>{' '}
              <span className="when">{stateWords(card, library, memories.get(card.id))}</span>
            </button>
          </li>
        ))}
      </ul>
      {found.length > limit && (
        <button type="button" className="btn" onClick={() => setLimit(limit + shownAtOnce)}>
          Show {Math.min(shownAtOnce, found.length - limit)} more
        </button>
      )}
    </div>
  );
}

const kinds: Readonly<Record<CardType, string>> = {
  meaning: 'meaning',
  term: 'which word',
  cloze: 'missing word',
  contrast: 'which of two',
  say: 'aloud',
  hear: 'spoken',
  yaml: 'gap in YAML',
  flag: 'flag',
  order: 'order',
  bug: 'bug',
  own: 'your own',
};

function questionOf(card: Card): string {
  if (card.ask.length === 0) return `“${card.term}”, spoken`;
  const text = card.ask.map((run) => (run.strong ? '…' : run.text)).join('');
  return card.type === 'say' ? `${text}, aloud` : text;
}

function passes(filter: Filter, card: Card, library: Library, memory: Memory | undefined): boolean {
  const kept: Readonly<Record<Filter, boolean>> = {
    All: true,
    Seen: memory !== undefined,
    New: memory === undefined,
    'Often forgotten': (memory?.lapses ?? 0) >= leechLapses,
    Suspended: library.suspended.has(card.id),
    'My own': card.type === 'own',
  };
  return kept[filter];
}

function matches(card: Card, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [card.term, questionOf(card), card.answer, card.note ?? '', ...(card.tags ?? [])]
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function stateWords(card: Card, library: Library, memory: Memory | undefined): string {
  if (library.suspended.has(card.id)) return 'suspended';
  if (!memory) return 'new';
  const wait = memory.due.getTime() - Date.now();
  return wait <= 0 ? 'due now' : `in ${intervalWords(wait)}`;
}

import { useEffect, useRef, useState } from 'react';
import type { OwnCard } from '#contract';
import type { Card } from '../../course/cards.ts';
import { contentOf } from './library.ts';
import type { LearnerLogState } from './use-log.ts';

interface Props {
  /** Absent: a new card of the learner's. */
  readonly card?: Card;
  /** The card as the deck has it, where it is one of the deck. */
  readonly original: Card | undefined;
  readonly suspended: boolean;
  readonly add: LearnerLogState['add'];
  close(): void;
}

const empty: OwnCard = { front: '', back: '', tags: [] };

/** Puts a card in the learner's own words, or writes a new one. */
export function CardEditor({ card, original, suspended, add, close }: Props) {
  const [content, setContent] = useState<OwnCard>(() => (card ? contentOf(card) : empty));
  const [problem, setProblem] = useState('');
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const put = (part: Partial<OwnCard>) => setContent((before) => ({ ...before, ...part }));
  const id = card?.id ?? '';

  const save = () => {
    const front = content.front.trim();
    const back = content.back.trim();
    if (front === '' || back === '') return setProblem('A card needs a question and an answer.');
    const { note, code, ...rest } = content;
    const extra = { ...(note?.trim() ? { note: note.trim() } : {}), ...(code?.trim() ? { code: code.trimEnd() } : {}) };
    add({ kind: 'card', card: id || `own:${crypto.randomUUID()}`, content: { ...rest, front, back, ...extra } });
    close();
  };
  const isOwn = !original;
  return (
    <form
      className="card-editor"
      aria-labelledby="editor-title"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
      onKeyDown={(event) => event.key === 'Escape' && close()}
    >
      <h2 id="editor-title" ref={heading} tabIndex={-1}>
        {card ? (isOwn ? 'Your own card' : `${card.term}: ${card.task.toLowerCase()}`) : 'A card of your own'}
      </h2>
      <Area label="Question. Put a gap in [brackets]." value={content.front} onChange={(front) => put({ front })} />
      <Area label="Answer" value={content.back} onChange={(back) => put({ back })} />
      <Area
        label="A sentence under the answer"
        optional
        value={content.note ?? ''}
        onChange={(note) => put({ note })}
      />
      {(isOwn || content.code) && (
        <Area
          label="YAML or a log line"
          optional
          mono
          readOnly={!isOwn}
          value={content.code ?? ''}
          onChange={(code) => put({ code })}
        />
      )}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="editor-actions">
        <button type="submit" className="btn go">
          Save
        </button>
        <button type="button" className="btn" onClick={close}>
          Cancel
        </button>
        {card && (
          <button
            type="button"
            className="btn quiet"
            onClick={() => {
              add({ kind: 'suspend', card: id, on: !suspended });
              close();
            }}
          >
            {suspended ? 'Take it up again' : 'Suspend'}
          </button>
        )}
        {card && (
          <button
            type="button"
            className="btn quiet"
            onClick={() => {
              add({ kind: 'forget', card: id });
              close();
            }}
          >
            Learn it anew
          </button>
        )}
        {card && (
          <button
            type="button"
            className="btn quiet"
            onClick={() => {
              add({ kind: 'card', card: id, content: null });
              close();
            }}
          >
            {isOwn ? 'Delete' : 'The words of the deck'}
          </button>
        )}
        {card && !isOwn && (
          <a className="btn quiet" href={`/words/${card.slug}/`}>
            Open the word
          </a>
        )}
      </div>
    </form>
  );
}

interface AreaProps {
  readonly label: string;
  readonly value: string;
  readonly optional?: boolean;
  readonly mono?: boolean;
  readonly readOnly?: boolean;
  onChange(value: string): void;
}

function Area({ label, value, optional = false, mono = false, readOnly = false, onChange }: AreaProps) {
  return (
    <label className="field">
      <span>
        {label}
        {optional && <i> (may be empty)</i>}
      </span>
      <textarea
        className={mono ? 'mono' : ''}
        rows={Math.min(10, Math.max(2, value.split('\n').length))}
        maxLength={4_000}
        value={value}
        readOnly={readOnly}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

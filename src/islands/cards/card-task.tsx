import { useEffect, useRef, useState } from 'react';
import { say } from '../../components/speech.ts';
import type { Card } from '../../course/cards.ts';
import { type Attempt, judgeChoice, judgeOrder, judgeTyped, shuffled } from './attempt.ts';
import { Icon } from './icon.tsx';
import { Recorder } from './recorder.tsx';

interface Props {
  readonly card: Card;
  onAnswer(attempt: Attempt | undefined): void;
}

/** How the learner answers before the answer is shown: by choosing, typing, ordering, or in their head. */
export function CardTask({ card, onAnswer }: Props) {
  if (card.choices) return <Choose card={card} onAnswer={onAnswer} />;
  if (card.parts) return <Order card={card} onAnswer={onAnswer} />;
  if (card.type === 'hear' || card.type === 'yaml') return <Type card={card} onAnswer={onAnswer} />;
  return (
    <>
      {card.type === 'say' && <Recorder />}
      <Reveal onAnswer={onAnswer} />
    </>
  );
}

function Reveal({ onAnswer, quiet = false }: Pick<Props, 'onAnswer'> & { quiet?: boolean }) {
  return (
    <div className="reveal">
      <button type="button" className={quiet ? 'btn quiet' : 'btn go big'} onClick={() => onAnswer(undefined)}>
        {quiet ? 'Show the answer' : 'Show the answer '}
        {!quiet && <kbd>Space</kbd>}
      </button>
    </div>
  );
}

const letters = 'ABCDE';

function Choose({ card, onAnswer }: Props) {
  const choices = card.choices ?? [];
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof Element && event.target.closest('input, textarea, [popover]')) return;
      const choice = choices[letters.indexOf(event.key.toUpperCase())];
      if (choice === undefined || event.key.length > 1) return;
      event.preventDefault();
      onAnswer(judgeChoice(card, choice));
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  });
  return (
    <fieldset className="choose reveal">
      <legend className="sr">{card.task}</legend>
      {choices.map((choice, index) => (
        <button key={choice} type="button" className="btn big" onClick={() => onAnswer(judgeChoice(card, choice))}>
          <kbd>{letters[index]}</kbd> {choice}
        </button>
      ))}
    </fieldset>
  );
}

function Type({ card, onAnswer }: Props) {
  const [typed, setTyped] = useState('');
  const heard = card.type === 'hear';
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (heard) say(card.term);
    input.current?.focus({ preventScroll: true });
  }, [heard, card.term]);
  return (
    <form
      className="type reveal"
      onSubmit={(event) => {
        event.preventDefault();
        onAnswer(typed.trim() === '' ? undefined : judgeTyped(card, typed));
      }}
    >
      {heard && (
        <button type="button" className="btn big" onClick={() => say(card.term)}>
          <Icon name="say" />
          Hear it again
        </button>
      )}
      <label>
        <span className="sr">{card.task}</span>
        <input
          ref={input}
          type="text"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          autoCapitalize="off"
          autoComplete="off"
          autoCorrect="off"
          spellCheck={false}
          placeholder={heard ? 'The word' : 'The missing word'}
        />
      </label>
      <button type="submit" className="btn go big">
        {typed.trim() === '' ? 'Show the answer' : 'Check'} <kbd>Enter</kbd>
      </button>
    </form>
  );
}

function Order({ card, onAnswer }: Props) {
  const [order, setOrder] = useState(() => shuffled(card.parts ?? [], Math.random));
  const [moved, setMoved] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const move = (from: number, by: number) => {
    const to = from + by;
    if (to < 0 || to >= order.length) return;
    const next = [...order];
    const [part = ''] = next.splice(from, 1);
    next.splice(to, 0, part);
    setOrder(next);
    setMoved(`${part}: place ${to + 1} of ${order.length}`);
    requestAnimationFrame(() => list.current?.querySelectorAll<HTMLElement>('li > .part')[to]?.focus());
  };
  return (
    <div className="order">
      <ol ref={list}>
        {order.map((part, index) => (
          <li key={part}>
            <button
              type="button"
              className="part"
              aria-label={`${part}, place ${index + 1} of ${order.length}. Arrow keys move it.`}
              onKeyDown={(event) => {
                if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
                event.preventDefault();
                move(index, event.key === 'ArrowUp' ? -1 : 1);
              }}
            >
              <span className="num">{index + 1}</span> {part}
            </button>
            <button
              type="button"
              className="btn quiet"
              aria-label={`${part}: up`}
              disabled={index === 0}
              onClick={() => move(index, -1)}
            >
              <Icon name="up" />
            </button>
            <button
              type="button"
              className="btn quiet"
              aria-label={`${part}: down`}
              disabled={index === order.length - 1}
              onClick={() => move(index, 1)}
            >
              <Icon name="down" />
            </button>
          </li>
        ))}
      </ol>
      <p className="sr" aria-live="polite">
        {moved}
      </p>
      <div className="reveal">
        <button type="button" className="btn go big" onClick={() => onAnswer(judgeOrder(card, order))}>
          Check the order
        </button>
      </div>
    </div>
  );
}

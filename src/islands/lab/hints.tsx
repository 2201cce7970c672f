import { useEffect, useRef } from 'react';
import { KeepCard } from '../cards/keep-card.tsx';
import { hintCard } from '../cards/lab-cards.ts';
import { useLab, useStore } from '../parts/use-store.ts';

/** Hints asked for so far, the newest last. */
export function Hints() {
  const lab = useLab();
  const hints = useStore(lab.stores.hints);
  const list = useRef<HTMLOListElement>(null);
  const count = hints.length;
  useEffect(() => {
    if (count > 0) list.current?.lastElementChild?.scrollIntoView({ block: 'nearest' });
  }, [count]);
  if (count === 0) return null;
  return (
    <ol className="hints" ref={list} aria-label="Hints" aria-live="polite">
      {hints.map((hint) => (
        <li key={hint.number}>
          <b>
            Hint {hint.number} of {hint.of}
          </b>
          {hint.belief && <p className="belief">{hint.belief}</p>}
          <p>{hint.text}</p>
          {(hint.belief || hint.number === hint.of) && <KeepCard content={() => hintCard(hint, hints[0], lab)} />}
        </li>
      ))}
    </ol>
  );
}

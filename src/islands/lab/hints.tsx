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
          {/* A question about what was written costs none of the hints. */}
          <b>{hint.number > 0 ? `Hint ${hint.number} of ${hint.of}` : 'A question first'}</b>
          {hint.belief && <p className="belief">{hint.belief}</p>}
          <p>{hint.text}</p>
          {(hint.belief || hint.number > 1 || hint.of === 1) && (
            <KeepCard content={() => hintCard(hint, hints[0], lab)} />
          )}
        </li>
      ))}
    </ol>
  );
}

import { useEffect, useRef } from 'react';
import type { HintView, OwnCard } from '#contract';
import type { LabClient } from '../../lab-client/index.ts';
import { KeepCard } from '../cards/keep-card.tsx';
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
          {(hint.belief || hint.number === hint.of) && <KeepCard content={cardOf(hint, hints[0], lab)} />}
        </li>
      ))}
    </ol>
  );
}

const mostYamlLetters = 1_200;

/** A belief becomes the question why it is wrong; a hint ladder becomes its first question and its last answer. */
function cardOf(hint: HintView, first: HintView | undefined, lab: LabClient): OwnCard {
  const own = lab.stores.sheets.get().find(({ changed }) => changed);
  return {
    front: hint.belief
      ? `In the lab “${lab.labId}” I believed: ${hint.belief} What is wrong with it?`
      : (first ?? hint).text,
    back: hint.text,
    ...(own ? { code: own.text.slice(0, mostYamlLetters) } : {}),
    tags: ['from a lab', lab.labId],
  };
}

import { useState } from 'react';
import type { OwnCard } from '#contract';
import { addEntry } from './add-entry.ts';

/** Offers to keep what was just learnt as a card of one's own, made when it is kept. `of` tells several apart for the ear. */
export function KeepCard({ content, of }: { content: () => OwnCard; of?: string }) {
  const [state, setState] = useState<'offered' | 'keeping' | 'kept' | 'lost'>('offered');
  if (state === 'kept')
    return (
      <p role="status" className="kept-card">
        Kept. It comes with your next <a href="/cards/">cards</a>.
      </p>
    );
  const keep = async () => {
    setState('keeping');
    const stored = await addEntry({ kind: 'card', card: `own:${crypto.randomUUID()}`, content: content() });
    setState(stored ? 'kept' : 'lost');
  };
  return (
    <>
      <button type="button" className="btn quiet" disabled={state === 'keeping'} onClick={() => void keep()}>
        Keep this as a card
        {of && <span className="sr"> {of}</span>}
      </button>
      {state === 'lost' && (
        <p role="alert">The browser could not keep this card. Free some of its storage, then try again.</p>
      )}
    </>
  );
}

import { useState } from 'react';
import type { OwnCard } from '#contract';
import { addEntry } from './add-entry.ts';

/** Offers to keep what was just learnt as a card of one's own, made when it is kept. `of` tells several apart for the ear. */
export function KeepCard({ content, of }: { content: () => OwnCard; of?: string }) {
  const [kept, setKept] = useState(false);
  if (kept)
    return (
      <p role="status" className="kept-card">
        Kept. It comes with your next <a href="/cards/">cards</a>.
      </p>
    );
  const keep = () => {
    setKept(true);
    void addEntry({ kind: 'card', card: `own:${crypto.randomUUID()}`, content: content() });
  };
  return (
    <button type="button" className="btn quiet" onClick={keep}>
      Keep this as a card
      {of && <span className="sr"> {of}</span>}
    </button>
  );
}

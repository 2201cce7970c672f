import type { Card } from '../../course/cards.ts';

/** The deck, a file of the site: it needs no lab server. */
export async function loadDeck(): Promise<Card[]> {
  const answer = await fetch('/cards/deck.json');
  if (!answer.ok) throw new Error(`The deck was not found (${answer.status}).`);
  return (await answer.json()) as Card[];
}

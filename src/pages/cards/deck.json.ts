import { getCollection } from 'astro:content';
import { deckOf } from '../../course/cards.ts';
import { readExtraCards } from '../../course/read-extra-cards.ts';

/** All cards as one file. Days that are written come first: their words are in the lessons that can be read now. */
export async function GET(): Promise<Response> {
  const written = new Set((await getCollection('lessons')).map(({ data }) => data.day));
  const order = new Map(
    (await getCollection('lessons')).flatMap(({ data }) => data.terms.map((term, index) => [term, index] as const)),
  );
  const terms = (await getCollection('words')).map(({ data }) => data);
  const rank = (day: number) => (written.has(day) ? 0 : day);
  const sorted = terms.toSorted(
    (a, b) =>
      rank(a.day) - rank(b.day) ||
      (order.get(a.term) ?? 99) - (order.get(b.term) ?? 99) ||
      a.term.localeCompare(b.term, 'en'),
  );
  return Response.json(deckOf(sorted, readExtraCards()));
}

import { getCollection, getEntry } from 'astro:content';
import { deckOf } from '../../course/cards.ts';
import { bankOf } from '../../course/drills.ts';
import { readExtraCards } from '../../course/read-extra-cards.ts';
import { evidenceOf } from '../../course/readiness.ts';

/** Every objective of the course with the evidence that can show it. */
export async function GET(): Promise<Response> {
  const course = (await getEntry('course', 'course'))!.data;
  const words = (await getCollection('words')).map(({ data }) => data);
  const labs = await getCollection('labs');
  const checks = labs.flatMap(({ id, data }) =>
    (data.checks ?? []).map((check) => ({ id: `${id}/${check.id}`, objective: check.objective ?? '' })),
  );
  const { drills } = bankOf((await getCollection('bank')).map(({ data }) => data));
  return Response.json(evidenceOf({ course, cards: deckOf(words, readExtraCards()), drills, checks }));
}

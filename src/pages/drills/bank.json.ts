import { getCollection } from 'astro:content';
import { type Bank, bankOf } from '../../course/drills.ts';
import { slugOf } from '../../course/terms.ts';

/** The interview bank as one file, with the titles of the labs that its questions ask about and the words that its models use. */
export async function GET(): Promise<Response> {
  const topics = (await getCollection('bank')).map(({ data }) => data);
  const labs = (await getCollection('labs')).map(({ id, data }) => [
    id,
    { title: data.title, checks: Object.fromEntries((data.checks ?? []).map((check) => [check.id, check.title])) },
  ]);
  const words = (await getCollection('words')).map(({ data: { term, aliases } }) => ({
    slug: slugOf(term),
    names: [term, ...aliases],
  }));
  const bank: Bank = { ...bankOf(topics), labs: Object.fromEntries(labs), words };
  return Response.json(bank);
}

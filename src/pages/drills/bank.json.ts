import { getCollection } from 'astro:content';
import { bankOf } from '../../course/drills.ts';

/** The interview bank as one file. */
export async function GET(): Promise<Response> {
  return Response.json(bankOf((await getCollection('bank')).map(({ data }) => data)));
}

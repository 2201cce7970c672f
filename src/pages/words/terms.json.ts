import { getCollection } from 'astro:content';
import { fieldsOf } from '../../course/field-terms.ts';
import { byName, slugOf } from '../../course/terms.ts';

/** The words of the glossary for the lab's editor: by which spellings each is found in YAML, and what it means in one line. */
export async function GET(): Promise<Response> {
  const words = (await getCollection('words')).map(({ data }) => data).toSorted(byName);
  return Response.json(
    words.map(({ term, aliases, gist }) => ({
      term,
      slug: slugOf(term),
      gist,
      names: [term, ...aliases, ...fieldsOf(slugOf(term))],
    })),
  );
}

import { getCollection } from 'astro:content';
import type { APIRoute } from 'astro';
import { readShow } from '../../course/read-show.ts';
import type { ShowInLab } from '../../course/show.ts';
import { slugOf } from '../../course/terms.ts';

interface Props {
  term: string;
  show: ShowInLab;
}

/** For each word that a lab can show: what its lab page does by itself. */
export async function getStaticPaths() {
  const words = await getCollection('words');
  return words.flatMap(({ data: { term, show } }) =>
    'lab' in show ? [{ params: { word: slugOf(term) }, props: { term, show } satisfies Props }] : [],
  );
}

export const GET: APIRoute<Props> = ({ params, props }) =>
  Response.json(readShow(props.term, params['word'] ?? '', props.show));

import { getCollection } from 'astro:content';
import type { APIRoute } from 'astro';
import { readShow } from '../../course/read-show.ts';
import type { WordCard } from '../../course/show-script.ts';
import { slugOf } from '../../course/terms.ts';

/** For each word its card, and what its lab page does by itself. */
export async function getStaticPaths() {
  const words = await getCollection('words');
  return words.map(({ data: { term, respelling, definition, show } }) => {
    const slug = slugOf(term);
    const card: WordCard = {
      term,
      slug,
      respelling,
      definition,
      ...('lab' in show ? { show: readShow(term, slug, show) } : {}),
    };
    return { params: { word: slug }, props: card };
  });
}

export const GET: APIRoute<WordCard> = ({ props }) => Response.json(props);

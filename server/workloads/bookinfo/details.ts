import type { IncomingMessage } from 'node:http';
import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { bookinfoHeaders, pickHeaders } from '../forward-headers.ts';
import { type Answer, json, pathOf, pathParts, text } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';

const BOOKS = 'www.googleapis.com';
const ISBN = '0486424618';
const TIMEOUT_MS = 5000;

/**
 * Book facts, as `samples/bookinfo/src/details` answers them. v1 knows them itself; v2 asks the book service on the internet, which a
 * sandbox has only where the learner puts one. ENABLE_EXTERNAL_BOOK_SERVICE changes that; DO_NOT_ENCRYPT makes it HTTP on port 80.
 */
export function detailsImage(version: 'v1' | 'v2'): WorkloadImage {
  return {
    name: `examples-bookinfo-details-${version}`,
    start: (context) => {
      const external = (context.env['ENABLE_EXTERNAL_BOOK_SERVICE'] ?? String(version === 'v2')) === 'true';
      const port = envNumber(context, 'PORT', Number(context.args[0] ?? 9080));
      return serve(context, port, async (request) => {
        const [first, ...rest] = pathParts(pathOf(request));
        if (first === 'health') return json(200, { status: 'Details is healthy' });
        if (first !== 'details') return text(404, 'Not Found');
        const id = rest.at(-1) ?? '';
        if (!/^[+-]?\d+$/.test(id)) return json(400, { error: 'please provide numeric product id' });
        return external ? externalDetails(context, Number(id), request) : json(200, bookDetails(Number(id)));
      });
    },
  };
}

interface Volume {
  readonly authors: readonly string[];
  readonly publishedDate: string;
  readonly printType: string;
  readonly pageCount: number;
  readonly publisher: string;
  readonly language: string;
  readonly industryIdentifiers: readonly { readonly type: string; readonly identifier: string }[];
}

async function externalDetails(context: ContainerContext, id: number, request: IncomingMessage): Promise<Answer> {
  const scheme = context.env['DO_NOT_ENCRYPT'] === 'true' ? 'http' : 'https';
  try {
    const { body } = await context.fetch(`${scheme}://${BOOKS}/books/v1/volumes?q=isbn:${ISBN}`, {
      headers: pickHeaders(request, [...bookinfoHeaders, 'end-user']),
      timeoutMs: TIMEOUT_MS,
      signal: context.signal,
    });
    const { items } = JSON.parse(body.toString('utf8')) as { items: readonly { readonly volumeInfo: Volume }[] };
    const book = items[0]?.volumeInfo;
    if (book === undefined) throw new Error('the book service knows no such book');
    return json(200, {
      id,
      author: book.authors[0],
      year: book.publishedDate,
      type: book.printType === 'BOOK' ? 'paperback' : 'unknown',
      pages: book.pageCount,
      publisher: book.publisher,
      language: book.language === 'en' ? 'English' : 'unknown',
      'ISBN-10': isbnOf(book, 'ISBN_10'),
      'ISBN-13': isbnOf(book, 'ISBN_13'),
    });
  } catch (thrown) {
    context.log(`Error: ${scheme}://${BOOKS}: ${errorMessage(thrown)}`);
    return json(400, { error: errorMessage(thrown) });
  }
}

const isbnOf = ({ industryIdentifiers }: Volume, wanted: string): string | undefined =>
  industryIdentifiers.find(({ type }) => type === wanted)?.identifier;

const bookDetails = (id: number) => ({
  id,
  author: 'William Shakespeare',
  year: 1595,
  type: 'paperback',
  pages: 200,
  publisher: 'PublisherA',
  language: 'English',
  'ISBN-10': '1234567890',
  'ISBN-13': '123-1234567890',
});

import type { WorkloadImage } from '../doors.ts';
import { json, pathOf, pathParts, text } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';

/** Book facts, as `samples/bookinfo/src/details` answers them. Unlike v2 of the original, never asks a service on the internet. */
export const detailsImage: WorkloadImage = {
  name: 'examples-bookinfo-details-v1',
  start: (context) =>
    serve(context, envNumber(context, 'PORT', Number(context.args[0] ?? 9080)), (request) => {
      const [first, ...rest] = pathParts(pathOf(request));
      if (first === 'health') return json(200, { status: 'Details is healthy' });
      if (first !== 'details') return text(404, 'Not Found');
      const id = rest.at(-1) ?? '';
      if (!/^[+-]?\d+$/.test(id)) return json(400, { error: 'please provide numeric product id' });
      return json(200, bookDetails(Number(id)));
    }),
};

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

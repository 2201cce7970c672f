import { parse } from 'yaml';
import { type ExtraCards, extraCardsSchema } from './schemas.ts';

const files = import.meta.glob<string>('../../glossary/cards/*.yaml', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** The cards that are written beside the terms' pages, at build time. */
export function readExtraCards(): ExtraCards {
  const lists = Object.entries(files).map(([file, text]) => [/(\w+)\.yaml$/.exec(file)?.[1] ?? file, parse(text)]);
  return extraCardsSchema.parse(Object.fromEntries(lists));
}

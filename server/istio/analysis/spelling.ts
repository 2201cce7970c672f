import { meaningOf } from '../diagnostics/suggest.ts';
import type { Field } from '../rules/field.ts';
import type { Advice } from './analyzer.ts';

/** Which of these names the author may have meant; a repair when no other is as near. */
export function spellingAdvice(field: Field, names: Iterable<string>): Advice {
  const meant = meaningOf(field.text, names);
  if (!meant) return {};
  const repair = { title: `Change to ${meant.word}`, path: field.path, text: meant.word };
  return { hint: `Did you mean ${meant.word}?`, repair: meant.isCertain ? repair : undefined };
}

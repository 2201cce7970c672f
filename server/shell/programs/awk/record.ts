import type { RE2JS } from 're2js';
import { UsageError } from '../../command.ts';
import { type Given, given, numberOf, textOf, type Value } from './values.ts';

const MAX_FIELDS = 10_000;

/** How text is split into fields: at blanks, into characters, at one text, or at a pattern. */
export type Separator = 'blanks' | 'characters' | { readonly text: string } | { readonly pattern: RE2JS };

export function splitText(text: string, separator: Separator): string[] {
  if (text === '') return [];
  if (separator === 'blanks') {
    const fields = text.split(/[ \t\n]+/);
    if (fields[0] === '') fields.shift();
    if (fields.at(-1) === '') fields.pop();
    return fields;
  }
  if (separator === 'characters') return [...text];
  if ('text' in separator) return text.split(separator.text);
  const fields: string[] = [];
  const found = separator.pattern.matcher(text);
  let at = 0;
  while (found.find()) {
    if (found.end() === found.start()) continue;
    fields.push(text.slice(at, found.start()));
    at = found.end();
  }
  return [...fields, text.slice(at)];
}

/** `$0` and its fields: each follows from the other, when somebody asks. */
export class AwkRecord {
  #whole: string | undefined = '';
  #fields: Value[] | undefined = [];
  readonly #separator: () => Separator;
  readonly #joiner: () => string;
  constructor(separator: () => Separator, joiner: () => string) {
    this.#separator = separator;
    this.#joiner = joiner;
  }

  get whole(): string {
    this.#whole ??= this.#split()
      .map((field) => textOf(field))
      .join(this.#joiner());
    return this.#whole;
  }
  set whole(text: string) {
    this.#whole = text;
    this.#fields = undefined;
  }

  get count(): number {
    return this.#split().length;
  }
  set count(count: number) {
    if (!(count >= 0 && count <= MAX_FIELDS)) throw new UsageError(`awk: at most ${MAX_FIELDS} fields`, 2);
    const fields = this.#split();
    while (fields.length < count) fields.push('');
    fields.length = Math.trunc(count);
    this.#whole = undefined;
  }

  field(index: number): Value {
    if (!(index >= 0)) throw new UsageError(`awk: attempt to access field ${index}`, 2);
    return index === 0 ? given(this.whole) : this.#split()[Math.trunc(index) - 1];
  }

  setField(index: number, value: Value): void {
    if (!(index >= 0)) throw new UsageError(`awk: attempt to access field ${index}`, 2);
    if (index === 0) {
      this.whole = textOf(value);
      return;
    }
    if (index > this.#split().length) this.count = index;
    this.#split()[Math.trunc(index) - 1] =
      typeof value === 'number' || typeof value === 'string' ? value : { ...(value as Given) };
    this.#whole = undefined;
  }

  #split(): Value[] {
    this.#fields ??= splitText(this.#whole ?? '', this.#separator()).map(given);
    return this.#fields;
  }
}

export const toCount = (value: Value): number => Math.trunc(numberOf(value));

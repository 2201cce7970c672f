import { RE2JS } from 're2js';
import { errorMessage } from '#domain';
import type { StringMatcher } from '#xds';
import { ConfigProblem } from './problem.ts';

/** A compiled StringMatcher with its wording for learners: `exactly "jason"`, `a value with prefix "/api"`. */
export interface StringMatch {
  readonly accepts: (value: string) => boolean;
  readonly wanted: string;
}

/** Compiles an RE2 expression. A bad one is the control plane's mistake and names its field. */
export function compileRegex(regex: string | undefined, field: string): RE2JS {
  if (regex === undefined || regex === '') throw new ConfigProblem(field, 'value length must be at least 1 characters');
  try {
    return RE2JS.compile(regex);
  } catch (thrown) {
    throw new ConfigProblem(field, `invalid regex "${regex}": ${errorMessage(thrown)}`);
  }
}

/** A configured text as the bytes of its UTF-8 form, one letter each: what comes over the wire is read so. */
export const asBytes = (text: string): string =>
  BEYOND_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;

const BEYOND_ASCII = /[^\0-\x7f]/;

/** As Envoy ignores case: letters beyond ASCII keep theirs. */
export const foldCase = (text: string): string =>
  BEYOND_ASCII.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text.toLowerCase();

/** As `compileStringMatch`, for what is read off the wire: letters beyond ASCII are bytes there, for Envoy's expressions, too. */
export function compileByteMatch(matcher: StringMatcher, field: string): StringMatch {
  const { safe_regex: regex, ...texts } = matcher;
  const bytes = Object.entries(texts).map(([kind, text]) => [kind, typeof text === 'string' ? asBytes(text) : text]);
  const inBytes = {
    ...(Object.fromEntries(bytes) as StringMatcher),
    ...(regex !== undefined && { safe_regex: { ...regex, regex: asBytes(regex.regex ?? '') } }),
  };
  return { accepts: compileStringMatch(inBytes, field).accepts, wanted: compileStringMatch(matcher, field).wanted };
}

/** Compiles a matcher. Regular expressions must match the whole value, as Envoy's safe_regex does. */
export function compileStringMatch(matcher: StringMatcher, field: string): StringMatch {
  const fold = matcher.ignore_case === true;
  const prepare = (text: string): string => (fold ? foldCase(text) : text);
  const suffix = fold ? ' (letter case does not matter)' : '';
  if (matcher.safe_regex !== undefined) {
    const pattern = compileRegex(matcher.safe_regex.regex, `${field}.safe_regex.regex`);
    return { accepts: (value) => pattern.matches(value), wanted: `a match of ${matcher.safe_regex.regex}` };
  }
  const kinds = [
    ['exact', (value: string, wanted: string) => value === wanted, 'exactly'],
    ['prefix', (value: string, wanted: string) => value.startsWith(wanted), 'a value that starts with'],
    ['suffix', (value: string, wanted: string) => value.endsWith(wanted), 'a value that ends with'],
    ['contains', (value: string, wanted: string) => value.includes(wanted), 'a value that contains'],
  ] as const;
  for (const [kind, test, words] of kinds) {
    const text = matcher[kind];
    if (text === undefined) continue;
    const wanted = prepare(text);
    return { accepts: (value) => test(prepare(value), wanted), wanted: `${words} "${text}"${suffix}` };
  }
  throw new ConfigProblem(field, 'no kind of match is set');
}

import type { RE2JS } from 're2js';
import { compileRegex } from './string-match.ts';

/** Replaces each match of an expression in a text. */
export type TextRewrite = (text: string) => string;

/** As xDS has it. */
export interface RegexRewriteJson {
  readonly pattern?: { readonly regex?: string };
  readonly substitution?: string;
}

/**
 * Compiles a RegexMatchAndSubstitute: `\0` to `\9` of the substitution are groups of the match, `\\` is a backslash, everything else is plain.
 * Throws ConfigProblem. Source: RE2::GlobalReplace.
 */
export function compileRegexRewrite(given: RegexRewriteJson, field: string): TextRewrite {
  const pattern = compileRegex(given.pattern?.regex ?? '', `${field}.pattern.regex`);
  const parts = readSubstitution(given.substitution ?? '');
  const highest = Math.max(0, ...parts.filter((part) => typeof part === 'number'));
  // As in RE2, a substitution that names a group which is not there replaces nothing.
  if (highest > pattern.groupCount()) return (text) => text;
  return (text) => replaceAll(pattern, parts, text);
}

/** Plain text, or the number of a group. */
type Part = string | number;

const readSubstitution = (substitution: string): readonly Part[] =>
  (substitution.match(/\\[0-9\\]|[^\\]+|\\/g) ?? []).map((part) => {
    if (part === '\\\\') return '\\';
    return /^\\\d$/.test(part) ? Number(part.slice(1)) : part;
  });

function replaceAll(pattern: RE2JS, parts: readonly Part[], text: string): string {
  const matcher = pattern.matcher(text);
  let replaced = '';
  let at = 0;
  let lastEnd = -1;
  while (matcher.find()) {
    // Nothing is matched again right where the last match ended.
    if (matcher.start() === matcher.end() && matcher.start() === lastEnd) continue;
    replaced += text.slice(at, matcher.start());
    for (const part of parts) replaced += typeof part === 'string' ? part : groupOf(matcher, part);
    at = matcher.end();
    lastEnd = at;
  }
  return replaced + text.slice(at);
}

const groupOf = (matcher: ReturnType<RE2JS['matcher']>, group: number): string =>
  group > matcher.groupCount() ? '' : (matcher.group(group) ?? '');

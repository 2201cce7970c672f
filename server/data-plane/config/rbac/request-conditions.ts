import type { HeaderMatcher, StringMatcher } from '#xds';
import type { FormatHead } from '../../format/subject.ts';
import { compileMetadataMatch, type MetadataMatcherJson } from '../metadata-match.ts';
import { ConfigProblem } from '../problem.ts';
import { compileStringMatch } from '../string-match.ts';
import { leaf, type RbacCondition } from './condition.ts';
import { pathOf } from './subject.ts';

const PSEUDO: Readonly<Record<string, readonly [string, (head: FormatHead) => string]>> = {
  ':method': ['method', (head) => head.method],
  ':path': ['path', (head) => head.path],
  ':authority': ['host', (head) => head.authority],
  ':scheme': ['scheme', (head) => head.scheme],
  host: ['host', (head) => head.authority],
};

/** A header of the request: each value of a repeated one for itself. A missing header fulfils only a wish for absence. */
export function headerCondition(matcher: HeaderMatcher, field: string): RbacCondition {
  const key = matcher.name.toLowerCase();
  const [name, pseudo] = PSEUDO[key] ?? [`header ${key}`, undefined];
  const read = (head: FormatHead | undefined): string | undefined => {
    if (head === undefined) return undefined;
    return pseudo === undefined ? head.headers.joined(key) : pseudo(head);
  };
  const invert = matcher.invert_match === true;
  const value = ({ head }: { readonly head: FormatHead | undefined }): string | undefined => read(head);
  if (matcher.string_match === undefined) {
    const present = (matcher.present_match ?? true) !== invert;
    const holds = ({ head }: { readonly head: FormatHead | undefined }): boolean =>
      (read(head) !== undefined) === present;
    return leaf({ name, wanted: present ? 'there' : 'absent', value, holds });
  }
  const match = compileStringMatch(matcher.string_match, `${field}.string_match`);
  const missing = matcher.treat_missing_header_as_empty === true ? '' : undefined;
  return leaf({
    name,
    wanted: invert ? `anything but ${match.wanted}` : match.wanted,
    value,
    holds({ head }) {
      const given = read(head) ?? missing;
      if (given === undefined) return false;
      const isList = pseudo === undefined && given.includes(',');
      return (isList ? anyValue(head, key, match.accepts) : match.accepts(given)) !== invert;
    },
  });
}

function anyValue(head: FormatHead | undefined, key: string, accepts: (value: string) => boolean): boolean {
  const flat = head?.headers.flat ?? [];
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === key && accepts(flat[i + 1] ?? '')) return true;
  return false;
}

/** envoy.type.matcher.v3.PathMatcher: the path without its query. */
export function pathCondition(given: { readonly path?: StringMatcher }, field: string): RbacCondition {
  if (given.path === undefined) throw new ConfigProblem(field, 'has no path');
  const match = compileStringMatch(given.path, `${field}.path`);
  return leaf({
    name: 'path',
    wanted: match.wanted,
    value: pathOf,
    holds(subject) {
      const path = pathOf(subject);
      return path !== undefined && match.accepts(path);
    },
  });
}

/** Words for the metadata that people know by another name. */
const METADATA_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^envoy\.filters\.http\.jwt_authn payload\./, 'claim '],
];

export function metadataCondition(given: MetadataMatcherJson, field: string): RbacCondition {
  const match = compileMetadataMatch(given, field);
  const name = METADATA_NAMES.reduce((text, [pattern, words]) => text.replace(pattern, words), match.subject);
  return leaf({
    name,
    wanted: match.wanted,
    value({ metadata }) {
      const seen = match.seen(metadata);
      return seen === undefined ? undefined : typeof seen === 'string' ? seen : JSON.stringify(seen);
    },
    holds: ({ metadata }) => match.accepts(metadata),
  });
}

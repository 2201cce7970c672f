import type { HeaderMatcher, StringMatcher } from '#xds';
import type { FormatHead } from '../../format/subject.ts';
import { compileMetadataMatch, type MetadataMatcherJson } from '../metadata-match.ts';
import { ConfigProblem } from '../problem.ts';
import { headerMatch } from '../route-condition.ts';
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

/** A header of the request, judged as routes judge it. */
export function headerCondition(matcher: HeaderMatcher, field: string): RbacCondition {
  const key = matcher.name.toLowerCase();
  const [name, pseudo] = PSEUDO[key] ?? [`header ${key}`, undefined];
  const { invert, value, wantPresent, holds } = headerMatch(matcher, field);
  const presence = wantPresent === invert ? 'absent' : 'there';
  return leaf({
    name,
    wanted: value === undefined ? presence : `${invert ? 'anything but ' : ''}${value.wanted}`,
    value: ({ head }) =>
      head === undefined ? undefined : pseudo === undefined ? head.headers.joined(key) : pseudo(head),
    // A connection without requests has no headers.
    holds: ({ head }) => {
      if (head === undefined) return holds([]);
      return holds(pseudo === undefined ? head.headers.all(key) : [pseudo(head)]);
    },
  });
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

import type { HeaderMatcher, StringMatcher } from '#xds';
import type { FormatHead } from '../../format/subject.ts';
import { compileMetadataMatch, type MetadataMatcherJson, type ReadMetadata } from '../metadata-match.ts';
import { ConfigProblem } from '../problem.ts';
import { headerMatch } from '../route-condition.ts';
import { compileByteMatch } from '../string-match.ts';
import { leaf, type RbacCondition } from './condition.ts';
import { pathOf, type RbacSubject } from './subject.ts';

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
  const match = compileByteMatch(given.path, `${field}.path`);
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
  return conditionOn(({ metadata }) => metadata, given, field);
}

/** envoy.config.rbac.v3.SourcedMetadata: of the request, or of its route. */
export interface SourcedMetadataJson {
  readonly metadata_matcher?: MetadataMatcherJson;
  readonly metadata_source?: 'DYNAMIC' | 'ROUTE';
}

export function sourcedCondition(
  { metadata_matcher: matcher, metadata_source: source }: SourcedMetadataJson,
  field: string,
): RbacCondition {
  if (matcher === undefined) throw new ConfigProblem(`${field}.metadata_matcher`, 'value is required');
  if (source !== 'ROUTE') return metadataCondition(matcher, `${field}.metadata_matcher`);
  return conditionOn(({ routeMetadata = NO_METADATA }) => routeMetadata, matcher, `${field}.metadata_matcher`);
}

const NO_METADATA: ReadMetadata = () => undefined;

function conditionOn(
  source: (subject: RbacSubject) => ReadMetadata,
  given: MetadataMatcherJson,
  field: string,
): RbacCondition {
  const match = compileMetadataMatch(given, field);
  const name = METADATA_NAMES.reduce((text, [pattern, words]) => text.replace(pattern, words), match.subject);
  return leaf({
    name,
    wanted: match.wanted,
    value(subject) {
      const seen = match.seen(source(subject));
      return seen === undefined ? undefined : typeof seen === 'string' ? seen : JSON.stringify(seen);
    },
    holds: (subject) => match.accepts(source(subject)),
  });
}

import type { HeaderMatcher, RouteMatch, StringMatcher } from '#xds';
import type { FormatHead } from '../format/subject.ts';
import type { RequestHead, ResponseHead, TlsFacts } from '../http/codec.ts';
import { cookieValues } from '../http/cookies.ts';
import type { FilterState } from '../http/filter-state.ts';
import type { Headers } from '../http/headers.ts';
import { type CidrRange, compileRange } from './cidr.ts';
import { compileMetadataMatch, type MetadataMatcherJson, type ReadMetadata } from './metadata-match.ts';
import { ConfigProblem } from './problem.ts';
import {
  asBytes,
  compileByteMatch,
  compileRegex,
  compileStringMatch,
  foldCase,
  type StringMatch,
} from './string-match.ts';
import { compileUriTemplate } from './uri-template.ts';
import { readNumber } from './values.ts';

/** A request as route conditions read it: path and query are split once. */
export interface RouteSubject {
  readonly head: RequestHead;
  /** Path without query. */
  readonly path: string;
  /** By name, the first value of each; as in Envoy, nothing in it is decoded. */
  readonly query: ReadonlyMap<string, string> | undefined;
  /** What filters have found out so far. */
  readonly metadata: ReadMetadata;
  /** Of the client's connection. */
  readonly tls: TlsFacts | undefined;
  /** Texts that filters have left so far. */
  readonly filterState?: Pick<FilterState, 'of' | 'valueOf'>;
}

/** Why a condition does not hold, in a learner's words: made from what it saw, whatever becomes of the request afterwards. */
export type Refusal = () => string;

/** One condition of a route's match: undefined when it holds. */
export type RouteCondition = (subject: RouteSubject) => Refusal | undefined;

interface Check<Seen> {
  readonly seen: (subject: RouteSubject) => Seen;
  readonly accepts: (value: Seen) => boolean;
  readonly reason: (value: Seen) => string;
}

const condition =
  <Seen>({ seen, accepts, reason }: Check<Seen>): RouteCondition =>
  (subject) => {
    const value = seen(subject);
    return accepts(value) ? undefined : () => reason(value);
  };

/**
 * The conditions of a route in the order they are tried: path, headers, query, cookies, the client's certificate, then what filters have left.
 * `ignoresParameters`: what follows a semicolon in a path is not looked at.
 */
export function compileConditions(match: RouteMatch, ignoresParameters = false): readonly RouteCondition[] {
  const ofPath = pathCondition(match);
  return [
    // As in Envoy, a template is held against the whole path even so.
    ignoresParameters && match.path_match_policy === undefined
      ? (subject) => ofPath({ ...subject, path: withoutParameters(subject.path) })
      : ofPath,
    ...(match.grpc === undefined ? [] : [GRPC_ONLY]),
    ...(match.headers ?? []).map((header, i) => headerCondition(header, `headers[${i}]`)),
    ...(match.query_parameters ?? []).map((parameter, i) => queryCondition(parameter, `query_parameters[${i}]`)),
    ...(match.cookies ?? []).map((cookie, i) => cookieCondition(cookie, `cookies[${i}]`)),
    ...(match.tls_context === undefined ? [] : [certificateCondition(match.tls_context)]),
    ...(match.dynamic_metadata ?? []).map((matcher, i) => metadataCondition(matcher, `dynamic_metadata[${i}]`)),
    ...(match.filter_state ?? []).map((matcher, i) => stateCondition(matcher, `filter_state[${i}]`)),
  ];
}

/** `/a;v=1/b;w` is `/a/b`: what follows a semicolon in a segment is a parameter. */
const withoutParameters = (path: string): string => path.replaceAll(/;[^/]*/g, '');

function stateCondition(matcher: Readonly<Record<string, unknown>>, field: string): RouteCondition {
  const key = String(matcher['key'] ?? '');
  if (key === '') throw new ConfigProblem(`${field}.key`, 'value length must be at least 1 characters');
  const text = matcher['string_match'] as StringMatcher | undefined;
  if (text === undefined) return addressStateCondition(key, matcher['address_match'], `${field}.address_match`);
  const match = compileStringMatch(text, `${field}.string_match`);
  return condition({
    seen: ({ filterState }) => filterState?.of(key),
    accepts: (seen) => seen !== undefined && match.accepts(seen),
    reason: (seen) =>
      `needs filter state ${key} to be ${match.wanted}, ${seen === undefined ? 'no filter has left any' : `it is "${seen}"`}`,
  });
}

/** As in Envoy, a text is no address, whatever it says. */
function addressStateCondition(key: string, given: unknown, field: string): RouteCondition {
  const { ranges = [] } = (given ?? {}) as { readonly ranges?: readonly CidrRange[] };
  const compiled = ranges.map((range, i) => compileRange(range, `${field}.ranges[${i}]`));
  const wanted = compiled.map(({ text }) => text).join(' or ');
  return condition({
    seen: ({ filterState }) => filterState?.valueOf(key)?.address?.ip,
    accepts: (ip) => ip !== undefined && compiled.some((range) => range.contains(ip)),
    reason: (ip) =>
      `needs filter state ${key} to be an address in ${wanted}, ${ip === undefined ? 'no filter has left one' : `it is ${ip}`}`,
  });
}

const GRPC_ONLY: RouteCondition = condition({
  seen: ({ head }) => head.headers.get('content-type'),
  accepts: (type) => type === 'application/grpc' || type?.startsWith('application/grpc+') === true,
  reason: (type) => `needs a gRPC call, the request ${type === undefined ? 'has no content-type' : `is ${type}`}`,
});

const NO_METADATA: ReadMetadata = () => undefined;

/** A request as its conditions read it; without `metadata`, no filter has left any. */
export function splitPath(
  head: RequestHead,
  metadata: ReadMetadata = NO_METADATA,
  tls: TlsFacts | undefined = undefined,
): RouteSubject {
  const mark = head.path.indexOf('?');
  if (mark < 0) return { head, path: head.path, query: undefined, metadata, tls };
  return { head, path: head.path.slice(0, mark), query: readQuery(head.path.slice(mark + 1)), metadata, tls };
}

function readQuery(text: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!query.has(name)) query.set(name, equals < 0 ? '' : pair.slice(equals + 1));
  }
  return query;
}

function pathCondition(match: RouteMatch): RouteCondition {
  const fold = match.case_sensitive === false;
  const prepare = (text: string): string => (fold ? foldCase(text) : text);
  const on = (test: (path: string) => boolean, wanted: string): RouteCondition =>
    condition({
      seen: (subject) => subject.path,
      accepts: (path) => test(prepare(path)),
      reason: (path) => `needs path ${wanted}, the request has ${path}`,
    });
  if (match.path !== undefined) {
    const wanted = prepare(asBytes(match.path));
    return on((path) => path === wanted, `exactly ${match.path}`);
  }
  if (match.path_separated_prefix !== undefined) {
    if (!/^[^?#]+[^?#/]$/.test(match.path_separated_prefix))
      throw new ConfigProblem('path_separated_prefix', 'value does not match regex pattern "^[^?#]+[^?#/]$"');
    const wanted = prepare(asBytes(match.path_separated_prefix));
    return on(
      (path) => path.startsWith(wanted) && (path.length === wanted.length || path[wanted.length] === '/'),
      `${match.path_separated_prefix} or below`,
    );
  }
  if (match.safe_regex !== undefined) {
    const pattern = compileRegex(asBytes(match.safe_regex.regex ?? ''), 'safe_regex.regex');
    return condition({
      seen: (subject) => subject.path,
      accepts: (path) => pattern.matches(path),
      reason: (path) => `needs a path that matches ${match.safe_regex?.regex} from end to end, the request has ${path}`,
    });
  }
  if (match.prefix !== undefined) {
    const wanted = prepare(asBytes(match.prefix));
    return on((path) => path.startsWith(wanted), `prefix ${match.prefix}`);
  }
  if (match.path_match_policy !== undefined) {
    const template = readTemplate(match.path_match_policy);
    const { matches } = compileUriTemplate(template, 'path_match_policy');
    return condition({
      seen: (subject) => subject.path,
      accepts: matches,
      reason: (path) => `needs a path that matches the template ${template}, the request has ${path}`,
    });
  }
  if (match.connect_matcher !== undefined) return CONNECT_ONLY;
  throw new ConfigProblem(
    'match',
    'has none of prefix, path, safe_regex, path_separated_prefix, path_match_policy, connect_matcher',
  );
}

const CONNECT_ONLY: RouteCondition = condition({
  seen: ({ head }) => head.method,
  accepts: (method) => method === 'CONNECT',
  reason: (method) => `needs the method CONNECT, the request has ${method}`,
});

const TEMPLATE_TYPE = 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';

function readTemplate({ name, typed_config }: NonNullable<RouteMatch['path_match_policy']>): string {
  if (typed_config?.['@type'] !== TEMPLATE_TYPE) {
    throw new ConfigProblem('path_match_policy', `Didn't find a registered implementation for '${name ?? ''}'`);
  }
  return String(typed_config['path_template'] ?? '');
}

/** What of a request head is addressed like a header. */
export const PSEUDO_HEADERS: Readonly<
  Record<string, (head: Pick<FormatHead, 'method' | 'path' | 'authority' | 'scheme'>) => string>
> = {
  ':method': (head) => head.method,
  ':authority': (head) => head.authority,
  // The old name of the same: no header is called so within a proxy.
  host: (head) => head.authority,
  ':path': (head) => head.path,
  ':scheme': (head) => head.scheme,
};

const HEADER_WORDS: Readonly<Record<string, string>> = {
  ':method': 'method',
  ':authority': 'host',
  host: 'host',
  ':path': 'path',
  ':scheme': 'scheme',
};

/** What a message says before its headers, where conditions may ask for it. */
type FirstLine = RequestHead | Pick<ResponseHead, 'status'>;

/** Whether the headers of a message fulfil a matcher. */
export type HeaderTest = (headers: Headers, message: FirstLine) => boolean;

function nameOf({ name }: HeaderMatcher, field: string): string {
  if (!name) throw new ConfigProblem(`${field}.name`, 'value length must be at least 1 characters');
  return name.toLowerCase();
}

function firstLine(message: FirstLine, name: string): string | undefined {
  if (!('status' in message)) return PSEUDO_HEADERS[name]?.(message);
  return name === ':status' ? String(message.status) : undefined;
}

/** Compiles a matcher of headers, of a request or an answer. */
export function compileHeaderTest(matcher: HeaderMatcher, field: string): HeaderTest {
  const name = nameOf(matcher, field);
  const { holds } = headerMatch(matcher, field);
  if (name !== ':status' && PSEUDO_HEADERS[name] === undefined) return (headers) => holds(headers.all(name));
  return (_headers, message) => {
    const value = firstLine(message, name);
    return holds(value === undefined ? [] : [value]);
  };
}

function headerCondition(matcher: HeaderMatcher, field: string): RouteCondition {
  const name = nameOf(matcher, field);
  const pseudo = PSEUDO_HEADERS[name];
  const words = HEADER_WORDS[name] ?? `header ${name}`;
  const { invert, value, wantPresent, holds } = headerMatch(matcher, field);
  return condition({
    seen: ({ head }) => (pseudo === undefined ? head.headers.all(name) : [pseudo(head)]),
    accepts: holds,
    reason: (seen) =>
      `needs ${wording(words, value, wantPresent, invert)}, ${request(seen.length === 0 ? undefined : seen.join(','))}`,
  });
}

/** What a value is held against, with its wording. */
type ValueMatch = Pick<StringMatch, 'accepts' | 'wanted'>;

/**
 * As Envoy judges a header: each line of a repeated one by itself, and one that is missing fulfils no condition on its value, not even an
 * inverted one, unless it counts as empty. Source: HeaderUtility::HeaderData in Envoy.
 */
export function headerMatch(matcher: HeaderMatcher, field: string) {
  const invert = matcher.invert_match === true;
  const missing: readonly string[] = matcher.treat_missing_header_as_empty === true ? [''] : [];
  const value = valueMatch(matcher, field);
  const wantPresent = matcher.present_match ?? true;
  const holds = (seen: readonly string[]): boolean => {
    // As in Envoy, what counts as empty counts as present.
    if (value === undefined) return seen.length + missing.length > 0 === (wantPresent !== invert);
    const given = seen.length === 0 ? missing : seen;
    return given.length > 0 && given.some((each) => value.accepts(each)) !== invert;
  };
  return { invert, value, wantPresent, holds };
}

function valueMatch(matcher: HeaderMatcher, field: string): ValueMatch | undefined {
  const { range_match: range, string_match = olderMatch(matcher) } = matcher;
  // As in Envoy, the older field stands for any value when it is empty.
  if (matcher.exact_match === '') return { accepts: () => true, wanted: 'any value' };
  if (range === undefined) return string_match && compileByteMatch(string_match, `${field}.string_match`);
  const [start, end] = [readNumber(range.start, 0), readNumber(range.end, 0)];
  return {
    accepts: (text) => /^[-+]?\d+$/.test(text) && Number(text) >= start && Number(text) < end,
    wanted: `a whole number from ${start} to below ${end}`,
  };
}

/** Envoy's deprecated fields, which many examples still have. */
function olderMatch(given: HeaderMatcher): StringMatcher | undefined {
  if (given.exact_match !== undefined) return { exact: given.exact_match };
  if (given.prefix_match !== undefined) return { prefix: given.prefix_match };
  if (given.suffix_match !== undefined) return { suffix: given.suffix_match };
  if (given.contains_match !== undefined) return { contains: given.contains_match };
  return given.safe_regex_match === undefined ? undefined : { safe_regex: given.safe_regex_match };
}

function wording(words: string, value: ValueMatch | undefined, wantPresent: boolean, invert: boolean): string {
  if (value === undefined) return wantPresent === invert ? `no ${words}` : `${words}`;
  return invert ? `${words} to be anything but ${value.wanted}` : `${words} to be ${value.wanted}`;
}

const request = (seen: string | undefined): string =>
  seen === undefined ? 'the request has none' : `the request has "${seen}"`;

type QueryMatcher = NonNullable<RouteMatch['query_parameters']>[number];

/** Whether a request's query fulfils a matcher. */
export function queryTest(matcher: QueryMatcher, field: string): (subject: RouteSubject) => boolean {
  const holds = queryCondition(matcher, field);
  return (subject) => holds(subject) === undefined;
}

function queryCondition(matcher: QueryMatcher, field: string): RouteCondition {
  const value = matcher.string_match && compileByteMatch(matcher.string_match, `${field}.string_match`);
  const unwanted = value === undefined && matcher.present_match === false;
  const wanted = value === undefined ? '' : ` to be ${value.wanted}`;
  return condition({
    seen: (subject) => subject.query?.get(matcher.name) ?? undefined,
    accepts: (seen) =>
      unwanted ? seen === undefined : seen !== undefined && (value === undefined || value.accepts(seen)),
    reason: (seen) => `needs ${unwanted ? 'no ' : ''}query parameter ${matcher.name}${wanted}, ${request(seen)}`,
  });
}

/** The first cookie of a name counts; one that is missing fulfils an inverted condition. */
function cookieCondition(
  { name, string_match, invert_match: invert = false }: NonNullable<RouteMatch['cookies']>[number],
  field: string,
): RouteCondition {
  if (string_match === undefined) throw new ConfigProblem(`${field}.string_match`, 'is missing');
  const value = compileByteMatch(string_match, `${field}.string_match`);
  return condition({
    seen: ({ head }) => cookieValues(head.headers, name)[0],
    accepts: (seen) => (seen === undefined ? invert : value.accepts(seen) !== invert),
    reason: (seen) => `needs cookie ${name} to be ${invert ? 'anything but ' : ''}${value.wanted}, ${request(seen)}`,
  });
}

/** Unlike Envoy, a certificate that was shown was checked, too: a connection whose check fails carries no request. */
function certificateCondition({ presented, validated }: NonNullable<RouteMatch['tls_context']>): RouteCondition {
  const wanted = [presented, validated].filter((each) => each !== undefined);
  return condition({
    seen: ({ tls }) => (tls?.peerCertificateHash ?? '') !== '',
    accepts: (shown) => wanted.every((each) => each === shown),
    reason: (shown) =>
      `needs ${shown ? 'a client without a certificate' : 'a certificate of the client'}, ${shown ? 'it has shown one' : 'it has shown none'}`,
  });
}

/** Claims of a verified token stand in the metadata of the filter that verified it. */
function metadataCondition(matcher: MetadataMatcherJson, field: string): RouteCondition {
  const match = compileMetadataMatch(matcher, field);
  return condition({
    seen: ({ metadata }) => ({ value: match.seen(metadata), accepted: match.accepts(metadata) }),
    accepts: ({ accepted }) => accepted,
    reason: ({ value }) =>
      `needs ${match.subject} to be ${match.wanted}, ${value === undefined ? 'there is none' : `it is ${JSON.stringify(value)}`}`,
  });
}

import type { HeaderMatcher, StringMatcher } from '#xds';
import type { TlsFacts } from '../../http/codec.ts';
import { parseSubjectAltNames } from '../../tls/subject-alt-names.ts';
import { type CidrRange, compileRange } from '../cidr.ts';
import type { MetadataMatcherJson } from '../metadata-match.ts';
import { ConfigProblem } from '../problem.ts';
import { compileStringMatch, type StringMatch } from '../string-match.ts';
import { ALWAYS_HOLDS, allOf, anyOf, leaf, not, type RbacCondition } from './condition.ts';
import {
  headerCondition,
  metadataCondition,
  pathCondition,
  type SourcedMetadataJson,
  sourcedCondition,
} from './request-conditions.ts';
import type { RbacSubject } from './subject.ts';

/** envoy.type.matcher.v3.FilterStateMatcher. */
interface StateJson {
  readonly key?: string;
  readonly string_match?: StringMatcher;
  readonly address_match?: { readonly ranges?: readonly CidrRange[] };
}

/** envoy.config.rbac.v3.Principal: who asks. */
export interface PrincipalJson {
  readonly any?: boolean;
  readonly and_ids?: { readonly ids?: readonly PrincipalJson[] };
  readonly or_ids?: { readonly ids?: readonly PrincipalJson[] };
  readonly not_id?: PrincipalJson;
  readonly authenticated?: { readonly principal_name?: StringMatcher };
  readonly filter_state?: StateJson;
  readonly source_ip?: CidrRange;
  readonly direct_remote_ip?: CidrRange;
  readonly remote_ip?: CidrRange;
  readonly header?: HeaderMatcher;
  readonly url_path?: { readonly path?: StringMatcher };
  readonly metadata?: MetadataMatcherJson;
  readonly sourced_metadata?: SourcedMetadataJson;
}

/** Compiles a principal. Throws ConfigProblem for one this proxy cannot check: it must not be guessed. */
export function compilePrincipal(given: PrincipalJson, field: string): RbacCondition {
  const set = (list: readonly PrincipalJson[] | undefined, name: string): RbacCondition[] =>
    (list ?? []).map((one, i) => compilePrincipal(one, `${field}.${name}.ids[${i}]`));
  if (given.any === true) return ALWAYS_HOLDS;
  if (given.and_ids) return allOf(set(given.and_ids.ids, 'and_ids'));
  if (given.or_ids) return anyOf(set(given.or_ids.ids, 'or_ids'));
  if (given.not_id) return not(compilePrincipal(given.not_id, `${field}.not_id`));
  if (given.header) return headerCondition(given.header, `${field}.header`);
  if (given.url_path) return pathCondition(given.url_path, `${field}.url_path`);
  if (given.metadata) return metadataCondition(given.metadata, `${field}.metadata`);
  if (given.sourced_metadata) return sourcedCondition(given.sourced_metadata, `${field}.sourced_metadata`);
  if (given.authenticated) return identityCondition(given.authenticated.principal_name, `${field}.authenticated`);
  if (given.filter_state?.key === PEER_PRINCIPAL) {
    return identityCondition(given.filter_state.string_match, `${field}.filter_state`);
  }
  if (given.filter_state) return stateCondition(given.filter_state, `${field}.filter_state`);
  return compileAddress(given, field);
}

/** A text that a filter before this one has left. */
function stateCondition({ key = '', string_match: pattern, address_match }: StateJson, field: string): RbacCondition {
  if (key === '') throw new ConfigProblem(`${field}.key`, 'value length must be at least 1 characters');
  if (address_match !== undefined) return addressCondition(key, address_match.ranges ?? [], `${field}.address_match`);
  if (pattern === undefined) throw new ConfigProblem(`${field}.matcher`, 'is required');
  const match = compileStringMatch(pattern, `${field}.string_match`);
  const value = ({ filterState }: RbacSubject): string | undefined => filterState?.(key);
  return leaf({
    name: `filter state ${key}`,
    wanted: match.wanted,
    value,
    holds(subject) {
      const seen = value(subject);
      return seen !== undefined && match.accepts(seen);
    },
  });
}

/** As in Envoy, a text is no address, whatever it says. */
function addressCondition(key: string, ranges: readonly CidrRange[], field: string): RbacCondition {
  const compiled = ranges.map((range, i) => compileRange(range, `${field}.ranges[${i}]`));
  return leaf({
    name: `filter state ${key}`,
    wanted: `an address in ${compiled.map(({ text }) => text).join(' or ')}`,
    value: ({ filterState }) => filterState?.(key),
    holds({ stateAddress }) {
      const ip = stateAddress?.(key);
      return ip !== undefined && compiled.some((range) => range.contains(ip));
    },
  });
}

/** Where Istio's own filters keep the identity of the client behind a tunnel. */
const PEER_PRINCIPAL = 'io.istio.peer_principal';

function compileAddress(given: PrincipalJson, field: string): RbacCondition {
  const kinds = [
    ['direct_remote_ip', 'source address', ({ connection }: RbacSubject) => connection.remoteAddress.ip],
    ['source_ip', 'source address', ({ connection }: RbacSubject) => connection.remoteAddress.ip],
    ['remote_ip', 'remote address', ({ remoteIp }: RbacSubject) => remoteIp],
  ] as const;
  for (const [kind, name, value] of kinds) {
    const cidr = given[kind];
    if (cidr === undefined) continue;
    const range = compileRange(cidr, `${field}.${kind}`);
    return leaf({ name, wanted: `in ${range.text}`, value, holds: (subject) => range.contains(value(subject)) });
  }
  throw new ConfigProblem(field, `${Object.keys(given)[0] ?? 'an empty principal'} is not supported`);
}

/** What the certificate of a connection calls its owner: the same for each of its requests. */
const identities = new WeakMap<TlsFacts, readonly string[]>();

function identitiesOf(tls: TlsFacts): readonly string[] {
  const known = identities.get(tls);
  if (known !== undefined) return known;
  const { uris, dns } = parseSubjectAltNames(tls.certificates?.().peer?.subjectAltName);
  const found = [...new Set([tls.peerSpiffeId, ...uris])].filter((uri) => uri !== '').concat(dns, tls.peerSubject);
  identities.set(tls, found);
  return found;
}

/** Any URI or DNS name of the client's certificate, or its subject. Without a pattern any client with a certificate will do. */
function identityCondition(pattern: StringMatcher | undefined, field: string): RbacCondition {
  const match: StringMatch | undefined = pattern && compileStringMatch(pattern, `${field}.principal_name`);
  return leaf({
    name: 'source identity',
    wanted: match === undefined ? 'proved by a certificate' : match.wanted,
    value: ({ connection }) => connection.tls?.peerSpiffeId,
    holds({ connection: { tls } }) {
      if (tls === undefined || tls.peerCertificateHash === '') return false;
      if (match === undefined) return true;
      return identitiesOf(tls).some((name) => match.accepts(name));
    },
  });
}

import type { Any, Duration } from '#xds';
import type { JwtRule, PlacedJwtRule } from '../../snapshot/request-authentications.ts';
import type { NamedFilter } from '../authorization/index.ts';
import { FILTER_TYPES, POLICY_FILTERS } from '../http-filters/policy-filters.ts';
import { KEYS_OF_NOBODY } from './unknown-keys.ts';

/** A JwtRequirement of envoy.extensions.filters.http.jwt_authn.v3. */
interface Requirement {
  provider_name?: string;
  allow_missing?: Record<string, never>;
  requires_any?: { requirements: Requirement[] };
  requires_all?: { requirements: Requirement[] };
}

interface Provider {
  issuer?: string;
  audiences?: readonly string[];
  local_jwks: { inline_string: string };
  forward?: boolean;
  forward_payload_header?: string;
  from_headers?: { name: string; value_prefix?: string }[];
  from_params?: readonly string[];
  from_cookies?: readonly string[];
  payload_in_metadata: string;
  normalize_payload_in_metadata: { space_delimited_claims: string[] };
  claim_to_headers?: { header_name: string; claim_name: string }[];
  clear_route_cache?: boolean;
  cache_duration?: Duration;
}

/** Key sets that istiod has fetched, by URI (or, where a rule gives none, found through its issuer). */
export type KnownKeys = ReadonlyMap<string, string>;

export interface JwtInput {
  readonly rules: readonly PlacedJwtRule[];
  readonly keys: KnownKeys;
  /** At gateways a verified token may change the route. */
  readonly clearRouteCache: boolean;
}

export const providerName = (index: number): string => `origins-${index}`;

/**
 * The filter that verifies tokens. A request without a token passes; one with a token that no rule accepts does not. A rule whose keys are
 * not known refuses all its tokens. Source: convertToEnvoyJwtConfig in istio pilot.
 */
export function jwtFilter({ rules, keys, clearRouteCache }: JwtInput): NamedFilter | undefined {
  if (rules.length === 0) return undefined;
  const names = rules.map((_, i) => providerName(i));
  const providers = rules.map(({ rule }, i) => [names[i], provider(rule, keys, clearRouteCache)]);
  const config: Any = {
    '@type': FILTER_TYPES.jwtAuthn,
    providers: Object.fromEntries(providers),
    rules: [{ match: { prefix: '/' }, requires: requirement(names) }],
    bypass_cors_preflight: true,
  };
  return { name: POLICY_FILTERS.jwtAuthn, typed_config: config };
}

/**
 * One token: valid, or none. Several rules: a token that any of them accepts, or each of them content: rules that look in the same place
 * could never all accept what they find there.
 */
function requirement(names: readonly string[]): Requirement {
  const each = names.map(
    (provider_name): Requirement => ({ requires_any: { requirements: [{ provider_name }, { allow_missing: {} }] } }),
  );
  const [only] = each;
  if (each.length === 1 && only !== undefined) return only;
  const any = names.map((provider_name): Requirement => ({ provider_name }));
  return { requires_any: { requirements: [...any, { requires_all: { requirements: each } }] } };
}

function provider(rule: JwtRule, keys: KnownKeys, clearRouteCache: boolean): Provider {
  const filled = <Item>(list: readonly Item[] | undefined): readonly Item[] | undefined =>
    list === undefined || list.length === 0 ? undefined : list;
  const claims = new Set([...(rule.spaceDelimitedClaims ?? []), 'permission', 'scope']);
  const audiences = filled(rule.audiences);
  const params = filled(rule.fromParams);
  const cookies = filled(rule.fromCookies);
  const headers = filled(rule.fromHeaders)?.map(({ name, prefix }) => ({
    name,
    ...(prefix && { value_prefix: prefix }),
  }));
  const outputs = filled(rule.outputClaimToHeaders)?.map(({ header, claim }) => ({
    header_name: header,
    claim_name: claim,
  }));
  return {
    ...(rule.issuer && { issuer: rule.issuer }),
    ...(audiences && { audiences }),
    local_jwks: { inline_string: rule.jwks || keys.get(keySource(rule)) || KEYS_OF_NOBODY },
    ...(rule.forwardOriginalToken === true && { forward: true }),
    ...(rule.outputPayloadToHeader && { forward_payload_header: rule.outputPayloadToHeader }),
    ...(headers && { from_headers: headers }),
    ...(params && { from_params: params }),
    ...(cookies && { from_cookies: cookies }),
    payload_in_metadata: 'payload',
    normalize_payload_in_metadata: { space_delimited_claims: [...claims].sort() },
    ...(outputs && { claim_to_headers: outputs }),
    ...(clearRouteCache && { clear_route_cache: true }),
  };
}

/** The URI of a rule's keys; empty when it names none. */
export const keyUri = ({ jwksUri, jwks_uri: otherName }: JwtRule): string => jwksUri || otherName || '';

/** Under which name the keys of a rule are known: its own URI, else its issuer's discovery document. */
export const keySource = (rule: JwtRule): string =>
  keyUri(rule) || `${(rule.issuer ?? '').replace(/\/$/, '')}/.well-known/openid-configuration`;

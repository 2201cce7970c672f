import type { Any, RouteMatch, StringMatcher } from '#xds';
import { type KeySet, parseKeySet } from '../http/filters/jwt/keys.ts';
import { scopeOf } from '../stats/filter-stats.ts';
import { ConfigProblem, within } from './problem.ts';
import { compileConditions, type RouteCondition } from './route-condition.ts';
import { compileStringMatch, type StringMatch } from './string-match.ts';
import { durationMs, readNumber } from './values.ts';

/** Where a token may stand in a request. */
export type TokenLocation =
  | { readonly in: 'header'; readonly name: string; readonly prefix: string }
  | { readonly in: 'query'; readonly name: string }
  | { readonly in: 'cookie'; readonly name: string };

/** One issuer whose tokens are accepted. */
export interface JwtProvider {
  readonly name: string;
  /** Empty: any. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly keys: KeySet;
  readonly locations: readonly TokenLocation[];
  /** The token stays in the request. */
  readonly forward: boolean;
  readonly payloadHeader: string;
  readonly padPayloadHeader: boolean;
  readonly claimHeaders: readonly { readonly header: string; readonly claim: string }[];
  readonly payloadInMetadata: string;
  readonly headerInMetadata: string;
  /** Where the reason of a token that does not hold is left; empty: nowhere. */
  readonly failureInMetadata: string;
  readonly spaceDelimitedClaims: ReadonlySet<string>;
  readonly clearRouteCache: boolean;
  readonly clockSkewSeconds: number;
  /** Undefined: any. */
  readonly subjects: StringMatch | undefined;
  /** A token must end some time, at the latest so many seconds from now; undefined: any. */
  readonly lifetime: { readonly maxSeconds: number | undefined } | undefined;
}

/** That there is no token at all, or that one does not hold. */
export type Allowance = 'missing' | 'missingOrFailed';

/** What a request must show. */
export type JwtRequirement =
  | { readonly kind: 'provider'; readonly provider: JwtProvider; readonly audiences: readonly string[] | undefined }
  /** Without requirements everything is accepted. */
  | { readonly kind: 'all'; readonly each: readonly JwtRequirement[] }
  /** `allows`: what is accepted besides, when none of them is met. */
  | { readonly kind: 'any'; readonly each: readonly JwtRequirement[]; readonly allows: Allowance | undefined }
  /** `locations` of these providers are looked at. */
  | {
      readonly kind: Allowance;
      readonly providers: readonly JwtProvider[];
      readonly locations: readonly TokenLocation[];
    };

export interface JwtRule {
  readonly conditions: readonly RouteCondition[];
  /** Undefined: nothing is asked of these requests. */
  readonly requirement: JwtRequirement | undefined;
}

export interface JwtFilterConfig {
  readonly rules: readonly JwtRule[];
  /** For requests that no rule matches: what is asked of them by the text that a filter has kept; undefined: nothing. */
  readonly byState: { readonly key: string; readonly requires: ReadonlyMap<string, JwtRequirement> } | undefined;
  readonly providers: readonly JwtProvider[];
  readonly named: ReadonlyMap<string, JwtRequirement>;
  readonly bypassCorsPreflight: boolean;
  /** A client that is refused is not told why. */
  readonly tellsNothing: boolean;
  /** Behind `jwt_authn.` in the names of its figures. */
  readonly statPrefix: string;
}

interface ProviderJson {
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  readonly local_jwks?: { readonly inline_string?: string; readonly inline_bytes?: string };
  readonly forward?: boolean;
  readonly from_headers?: readonly { readonly name?: string; readonly value_prefix?: string }[];
  readonly from_params?: readonly string[];
  readonly from_cookies?: readonly string[];
  readonly forward_payload_header?: string;
  readonly pad_forward_payload_header?: boolean;
  readonly payload_in_metadata?: string;
  readonly header_in_metadata?: string;
  readonly failed_status_in_metadata?: string;
  readonly normalize_payload_in_metadata?: { readonly space_delimited_claims?: readonly string[] };
  readonly claim_to_headers?: readonly { readonly header_name?: string; readonly claim_name?: string }[];
  readonly clear_route_cache?: boolean;
  readonly clock_skew_seconds?: number;
  readonly subjects?: StringMatcher;
  readonly require_expiration?: boolean;
  readonly max_lifetime?: string;
}

interface RequirementJson {
  readonly provider_name?: string;
  readonly provider_and_audiences?: { readonly provider_name?: string; readonly audiences?: readonly string[] };
  readonly requires_any?: RequirementsJson;
  readonly requires_all?: RequirementsJson;
  readonly allow_missing?: object;
  readonly allow_missing_or_failed?: object;
}

interface RequirementsJson {
  readonly requirements?: readonly RequirementJson[];
}

interface StateRulesJson {
  readonly name?: string;
  readonly requires?: Readonly<Record<string, RequirementJson>>;
}

interface RuleJson {
  readonly match?: RouteMatch;
  readonly requires?: RequirementJson;
  readonly requirement_name?: string;
}

/** Reads envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication. */
export function readJwtAuthn(config: Any): JwtFilterConfig {
  const given = (config['providers'] ?? {}) as Readonly<Record<string, ProviderJson>>;
  const providers = new Map(
    Object.entries(given).map(([name, json]) => [name, within(`providers.${name}`, () => readProvider(name, json))]),
  );
  const all = [...providers.values()];
  const compile = (json: RequirementJson): JwtRequirement => compileRequirement(json, providers, all);
  const named = new Map(
    Object.entries((config['requirement_map'] ?? {}) as Readonly<Record<string, RequirementJson>>).map(
      ([name, json]) => [name, within(`requirement_map.${name}`, () => compile(json))],
    ),
  );
  const rules = ((config['rules'] ?? []) as readonly RuleJson[]).map((rule, i) =>
    within(`rules[${i}]`, () => readRule(rule, compile, named)),
  );
  const byState = config['filter_state_rules'] as StateRulesJson | undefined;
  return {
    rules,
    byState: byState && within('filter_state_rules', () => readStateRules(byState, compile)),
    providers: all,
    named,
    bypassCorsPreflight: config['bypass_cors_preflight'] === true,
    tellsNothing: config['strip_failure_response'] === true,
    statPrefix: scopeOf(String(config['stat_prefix'] ?? '')),
  };
}

function readStateRules(
  { name = '', requires = {} }: StateRulesJson,
  compile: (json: RequirementJson) => JwtRequirement,
): JwtFilterConfig['byState'] {
  if (name === '') throw new ConfigProblem('name', 'value length must be at least 1 characters');
  const compiled = Object.entries(requires).map(([text, json]): [string, JwtRequirement] => [
    text,
    within(`requires.${text}`, () => compile(json)),
  ]);
  return { key: name, requires: new Map(compiled) };
}

function readRule(
  { match, requires, requirement_name }: RuleJson,
  compile: (json: RequirementJson) => JwtRequirement,
  named: ReadonlyMap<string, JwtRequirement>,
): JwtRule {
  const conditions = compileConditions(match ?? {});
  if (requirement_name === undefined) return { conditions, requirement: requires && compile(requires) };
  const requirement = named.get(requirement_name);
  if (requirement === undefined) throw new ConfigProblem('requirement_name', `${requirement_name} is not in the map`);
  return { conditions, requirement };
}

function compileRequirement(
  given: RequirementJson,
  providers: ReadonlyMap<string, JwtProvider>,
  all: readonly JwtProvider[],
): JwtRequirement {
  const find = (name = ''): JwtProvider => {
    const provider = providers.get(name);
    if (provider === undefined)
      throw new ConfigProblem('provider_name', `Required provider ['${name}'] is not defined`);
    return provider;
  };
  if (given.provider_name !== undefined) {
    return { kind: 'provider', provider: find(given.provider_name), audiences: undefined };
  }
  const narrowed = given.provider_and_audiences;
  if (narrowed) {
    const audiences = narrowed.audiences?.length ? narrowed.audiences : undefined;
    return { kind: 'provider', provider: find(narrowed.provider_name), audiences };
  }
  const allowance = allowanceOf(given);
  if (allowance !== undefined) return { kind: allowance, ...lookedThrough(all) };
  const compile = (one: RequirementJson): JwtRequirement => compileRequirement(one, providers, all);
  if (given.requires_all) return { kind: 'all', each: several(given.requires_all, 'requires_all').map(compile) };
  if (given.requires_any) return compileAny(several(given.requires_any, 'requires_any'), compile);
  return { kind: 'all', each: [] };
}

const allowanceOf = (given: RequirementJson): Allowance | undefined =>
  given.allow_missing_or_failed ? 'missingOrFailed' : given.allow_missing ? 'missing' : undefined;

function several({ requirements = [] }: RequirementsJson, field: string): readonly RequirementJson[] {
  if (requirements.length >= 2) return requirements;
  throw new ConfigProblem(`${field}.requirements`, 'value must contain at least 2 item(s)');
}

/** An allowance beside others looks at no token: it only says what their failures mean. */
function compileAny(
  given: readonly RequirementJson[],
  compile: (one: RequirementJson) => JwtRequirement,
): JwtRequirement {
  const regular = given.filter((one) => allowanceOf(one) === undefined);
  const allowances = given.filter((one) => allowanceOf(one) !== undefined);
  const widest = allowances.find((one) => allowanceOf(one) === 'missingOrFailed') ?? allowances[0];
  if (regular.length === 0 && widest !== undefined) return compile(widest);
  return { kind: 'any', each: regular.map(compile), allows: widest && allowanceOf(widest) };
}

function readProvider(name: string, given: ProviderJson): JwtProvider {
  const { local_jwks: local } = given;
  if (local === undefined) throw new ConfigProblem('jwks_source_specifier', 'only local_jwks is supported');
  const keys = parseKeySet(local.inline_string ?? Buffer.from(local.inline_bytes ?? '', 'base64').toString('utf8'));
  if (typeof keys === 'string') {
    throw new ConfigProblem('local_jwks', `Provider '${name}' in jwt_authn config has invalid local jwks: ${keys}`);
  }
  return {
    name,
    issuer: given.issuer ?? '',
    audiences: given.audiences ?? [],
    keys,
    locations: inOrder(readLocations(given)),
    forward: given.forward === true,
    payloadHeader: (given.forward_payload_header ?? '').toLowerCase(),
    padPayloadHeader: given.pad_forward_payload_header === true,
    claimHeaders: (given.claim_to_headers ?? []).map(({ header_name = '', claim_name = '' }) => ({
      header: header_name.toLowerCase(),
      claim: claim_name,
    })),
    payloadInMetadata: given.payload_in_metadata ?? '',
    headerInMetadata: given.header_in_metadata ?? '',
    failureInMetadata: given.failed_status_in_metadata ?? '',
    spaceDelimitedClaims: new Set(given.normalize_payload_in_metadata?.space_delimited_claims ?? []),
    clearRouteCache: given.clear_route_cache === true,
    clockSkewSeconds: readNumber(given.clock_skew_seconds, 0) || 60,
    subjects: given.subjects && compileStringMatch(given.subjects, 'subjects'),
    lifetime: readLifetime(given),
  };
}

function readLifetime({ require_expiration: required, max_lifetime: max }: ProviderJson): JwtProvider['lifetime'] {
  if (required !== true && max === undefined) return undefined;
  return { maxSeconds: max === undefined ? undefined : durationMs(max, 'max_lifetime', 0) / 1000 };
}

interface LookedThrough {
  readonly providers: readonly JwtProvider[];
  readonly locations: readonly TokenLocation[];
}

const lookedThrough = (providers: readonly JwtProvider[]): LookedThrough => ({
  providers,
  locations: inOrder(providers.flatMap(({ locations }) => locations)),
});

/** Each place once, in the order of their names, which is that of Envoy's table. */
function inOrder(locations: readonly TokenLocation[]): TokenLocation[] {
  const byKey = new Map(locations.map((location) => [keyOf(location), location]));
  return [...byKey.keys()].sort().map((key) => byKey.get(key)!);
}

/** Tells two places apart. */
const keyOf = (place: TokenLocation): string => `${place.in} ${place.name}${place.in === 'header' ? place.prefix : ''}`;

/** Whether a provider takes tokens from there. */
export const takesFrom = ({ locations }: JwtProvider, place: TokenLocation): boolean =>
  locations.some((one) => keyOf(one) === keyOf(place));

function readLocations({ from_headers = [], from_params = [], from_cookies = [] }: ProviderJson): TokenLocation[] {
  if (from_headers.length + from_params.length + from_cookies.length === 0) {
    return [
      { in: 'header', name: 'authorization', prefix: 'Bearer ' },
      { in: 'query', name: 'access_token' },
    ];
  }
  return [
    ...from_headers.map(
      ({ name = '', value_prefix = '' }): TokenLocation => ({
        in: 'header',
        name: name.toLowerCase(),
        prefix: value_prefix,
      }),
    ),
    ...from_params.map((name): TokenLocation => ({ in: 'query', name })),
    ...from_cookies.map((name): TokenLocation => ({ in: 'cookie', name })),
  ];
}

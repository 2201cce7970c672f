import type { StringMatcher } from '#xds';
import { compileStringMatch, type StringMatch } from './string-match.ts';
import { ALWAYS, type Fraction, NEVER, readRuntimeFraction } from './values.ts';

/** A route's CORS rules. Header lists are written to the answer as they stand. */
export interface CorsPolicy {
  readonly allowOrigins: readonly StringMatch[];
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean;
  /** A page of a public network may ask this private one. */
  readonly allowPrivateNetwork: boolean;
  /** Whether a preflight from an origin that is not allowed goes on to the application. */
  readonly forwardUnmatchedPreflights: boolean;
  /** The share of requests that it is applied to. */
  readonly enabled: Fraction;
  /** Of the others, the share whose origin is only counted. */
  readonly shadow: Fraction;
}

/** `*` stands for every origin, as in Envoy's filter. */
const anyOrigin = ({ exact }: StringMatcher): StringMatch | undefined =>
  exact === '*' ? { accepts: () => true, wanted: 'any origin' } : undefined;

/** What a message leaves out or leaves empty. */
const unset = (value: unknown): boolean => value === '' || (Array.isArray(value) && value.length === 0);

/** An envoy.extensions.filters.http.cors.v3.CorsPolicy, or the older field of routes of the same shape. */
export type CorsLevel = Readonly<Record<string, unknown>>;

/**
 * Reads what the levels of a route say, the nearest first. What one does not say, the next one says; but whether there is any CORS, only the
 * nearest.
 */
export function compileCors(levels: readonly CorsLevel[]): CorsPolicy | undefined {
  const [nearest] = levels;
  if (nearest === undefined) return undefined;
  const config: Record<string, unknown> = {};
  for (const level of levels.toReversed())
    for (const [name, value] of Object.entries(level)) if (!unset(value)) config[name] = value;
  for (const name of ['filter_enabled', 'shadow_enabled']) config[name] = nearest[name];
  const text = (key: string): string => String(config[key] ?? '');
  const share = (key: string, fallback: Fraction): Fraction => readRuntimeFraction(config[key], fallback);
  const origins = (config['allow_origin_string_match'] ?? []) as StringMatcher[];
  return {
    allowOrigins: origins.map(
      (matcher, i) => anyOrigin(matcher) ?? compileStringMatch(matcher, `cors.allow_origin_string_match[${i}]`),
    ),
    allowMethods: text('allow_methods'),
    allowHeaders: text('allow_headers'),
    exposeHeaders: text('expose_headers'),
    maxAge: text('max_age'),
    allowCredentials: config['allow_credentials'] === true,
    allowPrivateNetwork: config['allow_private_network_access'] === true,
    enabled: share('filter_enabled', ALWAYS),
    shadow: share('shadow_enabled', NEVER),
    forwardUnmatchedPreflights: config['forward_not_matching_preflights'] !== false,
  };
}

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

/**
 * Reads envoy.extensions.filters.http.cors.v3.CorsPolicy (or the older route field of the same shape) of a route. What it does not say, that of its
 * virtual host says.
 */
export function compileCors(
  ofRoute: Record<string, unknown> | undefined,
  ofHost: Record<string, unknown> | undefined,
): CorsPolicy | undefined {
  if (ofRoute === undefined && ofHost === undefined) return undefined;
  const own = Object.entries(ofRoute ?? {}).filter(([, value]) => !unset(value));
  const config: Record<string, unknown> = { ...ofHost, ...Object.fromEntries(own) };
  for (const name of ofRoute === undefined ? [] : ['filter_enabled', 'shadow_enabled']) config[name] = ofRoute?.[name];
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

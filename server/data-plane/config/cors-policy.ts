import type { FractionalPercent, StringMatcher } from '#xds';
import { compileStringMatch, type StringMatch } from './string-match.ts';

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
  /** Switched off for all requests. */
  readonly off: boolean;
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
  if (ofRoute !== undefined) config['filter_enabled'] = ofRoute['filter_enabled'];
  const text = (key: string): string => String(config[key] ?? '');
  const enabled = config['filter_enabled'] as { default_value?: FractionalPercent } | undefined;
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
    off: enabled?.default_value?.numerator === 0,
    forwardUnmatchedPreflights: config['forward_not_matching_preflights'] !== false,
  };
}

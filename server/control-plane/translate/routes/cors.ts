import { parseDurationMs } from '#domain';
import type { Any } from '#xds';
import type { CorsPolicySpec } from '../../snapshot/istio-types.ts';
import { filterTypes } from '../envoy-types.ts';
import { wholePercent } from './percentages.ts';
import { stringMatcher } from './string-match.ts';

/** A route's CORS rules, for the filter envoy.filters.http.cors. */
export function translateCors(policy: CorsPolicySpec | undefined): Any | undefined {
  if (policy === undefined) return undefined;
  const origins = policy.allowOrigins?.map(stringMatcher) ?? (policy.allowOrigin ?? []).map((exact) => ({ exact }));
  const maxAgeMs = policy.maxAge === undefined ? undefined : parseDurationMs(policy.maxAge);
  return {
    '@type': filterTypes.corsPolicy,
    ...(origins.length > 0 && { allow_origin_string_match: origins }),
    ...joined('allow_methods', policy.allowMethods),
    ...joined('allow_headers', policy.allowHeaders),
    ...joined('expose_headers', policy.exposeHeaders),
    ...(maxAgeMs !== undefined && { max_age: String(Math.trunc(maxAgeMs / 1000)) }),
    ...(policy.allowCredentials !== undefined && { allow_credentials: policy.allowCredentials }),
    filter_enabled: { default_value: wholePercent(100) },
    forward_not_matching_preflights: policy.unmatchedPreflights !== 'IGNORE',
  };
}

const joined = (key: string, values: readonly string[] | undefined): Record<string, string> =>
  values === undefined || values.length === 0 ? {} : { [key]: values.join(',') };

import { filled, inside, longerThanZero, oneLine, type Rule, rule } from './bounds.ts';

const R = 'virtual_hosts/routes';
const status = (value: unknown): string | undefined =>
  Number(value) >= 200 && Number(value) < 600 ? undefined : 'value must be inside range [200, 600)';

/** Rules of Envoy's API for tables of routes. */
export const ROUTE_RULES: readonly Rule[] = [
  rule('virtual_hosts/name', filled),
  rule(`${R}/match/headers/name`, filled),
  rule(`${R}/match/headers/name`, oneLine),
  rule(`${R}/match/query_parameters/name`, filled),
  rule(`${R}/match/safe_regex/regex`, filled),
  rule(`${R}/direct_response/status`, status),
  rule(`${R}/route/hash_policy/header/header_name`, filled),
  rule(`${R}/route/hash_policy/cookie/name`, filled),
  rule(`${R}/route/hash_policy/query_parameter/name`, filled),
  rule(`${R}/route/hash_policy/filter_state/key`, filled),
  rule(`${R}/route/retry_policy/retry_back_off/base_interval`, longerThanZero),
  rule(`${R}/route/retry_policy/retry_back_off/max_interval`, longerThanZero),
  rule(`${R}/route/weighted_clusters/clusters/weight`, inside(0, 4_294_967_295)),
];

import type { Cluster } from '#xds';
import { ConfigProblem } from './problem.ts';
import { durationMs, type Fields, record } from './values.ts';

/** What is wrong with a value, in Envoy's words; undefined: nothing. `field` is where it stands. */
type Bound = (value: unknown, field: string) => string | undefined;

const longerThan =
  (ms: number, words: string): Bound =>
  (value, field) =>
    durationMs(value as string, field, 0) > ms ? undefined : `value must be greater than ${words}`;
const aboveZero = longerThan(0, '0s');
const aboveOneMs = longerThan(1, '1ms');
const atLeastOneMs: Bound = (value, field) =>
  durationMs(value as string, field, 0) >= 1 ? undefined : 'value must be greater than or equal to 1ms';
const within =
  (least: number, most: number): Bound =>
  (value) =>
    Number(value) >= least && Number(value) <= most ? undefined : `value must be inside range [${least}, ${most}]`;
const upTo =
  (most: number): Bound =>
  (value) =>
    Number(value) <= most ? undefined : `value must be less than or equal to ${most}`;
const atLeast =
  (least: number): Bound =>
  (value) =>
    Number(value) >= least ? undefined : `value must be greater than or equal to ${least}`;
const percent = within(0, 100);
const share = upTo(100);
const windowSize = within(65_535, 2_147_483_647);

const HTTP = 'typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const HTTP2 = ['explicit_http_config', 'use_downstream_protocol_config', 'auto_config'].map(
  (kind) => `${HTTP}/${kind}/http2_protocol_options`,
);

/** Rules of Envoy's API (its `validate` options) by the path of a field; absent fields break none. Lists are gone through. */
const BOUNDS: readonly (readonly [path: string, bound: Bound])[] = [
  ['connect_timeout', aboveZero],
  ['cleanup_interval', aboveZero],
  ['dns_refresh_rate', aboveOneMs],
  ['dns_failure_refresh_rate/base_interval', aboveOneMs],
  ['dns_failure_refresh_rate/max_interval', aboveOneMs],
  ['outlier_detection/interval', aboveZero],
  ['outlier_detection/base_ejection_time', aboveZero],
  ['outlier_detection/max_ejection_time', aboveZero],
  ['outlier_detection/max_ejection_percent', share],
  ['outlier_detection/enforcing_consecutive_5xx', share],
  ['outlier_detection/enforcing_consecutive_gateway_failure', share],
  ['outlier_detection/enforcing_consecutive_local_origin_failure', share],
  ['outlier_detection/enforcing_success_rate', share],
  ['outlier_detection/enforcing_local_origin_success_rate', share],
  ['outlier_detection/enforcing_failure_percentage', share],
  ['outlier_detection/enforcing_failure_percentage_local_origin', share],
  ['outlier_detection/failure_percentage_threshold', share],
  ['health_checks/timeout', aboveZero],
  ['health_checks/interval', aboveZero],
  ['health_checks/no_traffic_interval', aboveZero],
  ['health_checks/no_traffic_healthy_interval', aboveZero],
  ['health_checks/unhealthy_interval', aboveZero],
  ['health_checks/unhealthy_edge_interval', aboveZero],
  ['health_checks/healthy_edge_interval', aboveZero],
  ['health_checks/http_health_check/method', (method) => notInList(method, 'CONNECT')],
  ['common_lb_config/healthy_panic_threshold/value', percent],
  ['common_lb_config/zone_aware_lb_config/routing_enabled/value', percent],
  ['common_lb_config/consistent_hashing_lb_config/hash_balance_factor', atLeast(100)],
  ['least_request_lb_config/choice_count', atLeast(2)],
  ['least_request_lb_config/slow_start_config/min_weight_percent/value', percent],
  ['round_robin_lb_config/slow_start_config/min_weight_percent/value', percent],
  ['circuit_breakers/thresholds/retry_budget/budget_percent/value', percent],
  ['preconnect_policy/per_upstream_preconnect_ratio', within(1, 3)],
  ['preconnect_policy/predictive_preconnect_ratio', within(1, 3)],
  ...HTTP2.flatMap((path): (readonly [string, Bound])[] => [
    [`${path}/max_concurrent_streams`, within(1, 2_147_483_647)],
    [`${path}/initial_stream_window_size`, windowSize],
    [`${path}/initial_connection_window_size`, windowSize],
    [`${path}/connection_keepalive/interval`, atLeastOneMs],
    [`${path}/connection_keepalive/timeout`, atLeastOneMs],
  ]),
];

const notInList = (value: unknown, word: string): string | undefined =>
  value === word ? `value must not be in list [${word}]` : undefined;

/** Holds the numbers of a cluster against the rules of Envoy's API. Throws ConfigProblem. */
export function checkBounds(cluster: Cluster): void {
  for (const [path, bound] of BOUNDS) check(cluster as unknown as Fields, path.split('/'), bound, '');
}

function check(value: unknown, path: readonly string[], bound: Bound, field: string): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) check(item, path, bound, `${field}[${i}]`);
    return;
  }
  const [name, ...rest] = path;
  if (name !== undefined) {
    check(record(value)?.[name], rest, bound, field === '' ? name : `${field}.${name}`);
    return;
  }
  const fault = bound(value, field);
  if (fault !== undefined) throw new ConfigProblem(field, fault);
}

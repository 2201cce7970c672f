import type { Cluster } from '#xds';
import {
  atLeast,
  atLeastOneMs,
  type Bound,
  checkRules,
  filled,
  headKb,
  inside,
  longerThanOneMs,
  longerThanZero,
  rule,
  upTo,
} from './bounds.ts';

const percent = inside(0, 100);
const share = upTo(100);
const windowSize = inside(65_535, 2_147_483_647);

const HTTP = 'typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const HTTP2 = ['explicit_http_config', 'use_downstream_protocol_config', 'auto_config'].map(
  (kind) => `${HTTP}/${kind}/http2_protocol_options`,
);

/** Rules of Envoy's API (its `validate` options) by the path of a field; absent fields break none. Lists are gone through. */
const BOUNDS: readonly (readonly [path: string, bound: Bound])[] = [
  ['name', filled],
  ['connect_timeout', longerThanZero],
  ['cleanup_interval', longerThanZero],
  ['dns_refresh_rate', longerThanOneMs],
  ['dns_failure_refresh_rate/base_interval', longerThanOneMs],
  ['dns_failure_refresh_rate/max_interval', longerThanOneMs],
  ['outlier_detection/interval', longerThanZero],
  ['outlier_detection/base_ejection_time', longerThanZero],
  ['outlier_detection/max_ejection_time', longerThanZero],
  ['outlier_detection/max_ejection_percent', share],
  ['outlier_detection/enforcing_consecutive_5xx', share],
  ['outlier_detection/enforcing_consecutive_gateway_failure', share],
  ['outlier_detection/enforcing_consecutive_local_origin_failure', share],
  ['outlier_detection/enforcing_success_rate', share],
  ['outlier_detection/enforcing_local_origin_success_rate', share],
  ['outlier_detection/enforcing_failure_percentage', share],
  ['outlier_detection/enforcing_failure_percentage_local_origin', share],
  ['outlier_detection/failure_percentage_threshold', share],
  ['health_checks/timeout', longerThanZero],
  ['health_checks/interval', longerThanZero],
  ['health_checks/no_traffic_interval', longerThanZero],
  ['health_checks/no_traffic_healthy_interval', longerThanZero],
  ['health_checks/unhealthy_interval', longerThanZero],
  ['health_checks/unhealthy_edge_interval', longerThanZero],
  ['health_checks/healthy_edge_interval', longerThanZero],
  ['health_checks/http_health_check/method', (method) => notInList(method, 'CONNECT')],
  ['common_lb_config/healthy_panic_threshold/value', percent],
  ['common_lb_config/zone_aware_lb_config/routing_enabled/value', percent],
  ['common_lb_config/consistent_hashing_lb_config/hash_balance_factor', atLeast(100)],
  ['least_request_lb_config/choice_count', atLeast(2)],
  ['least_request_lb_config/slow_start_config/min_weight_percent/value', percent],
  ['round_robin_lb_config/slow_start_config/min_weight_percent/value', percent],
  ['circuit_breakers/thresholds/retry_budget/budget_percent/value', percent],
  ['preconnect_policy/per_upstream_preconnect_ratio', inside(1, 3)],
  ['preconnect_policy/predictive_preconnect_ratio', inside(1, 3)],
  [`${HTTP}/common_http_protocol_options/max_headers_count`, atLeast(1)],
  [`${HTTP}/common_http_protocol_options/max_response_headers_kb`, headKb],
  ...HTTP2.flatMap((path): (readonly [string, Bound])[] => [
    [`${path}/max_concurrent_streams`, inside(1, 2_147_483_647)],
    [`${path}/initial_stream_window_size`, windowSize],
    [`${path}/initial_connection_window_size`, windowSize],
    [`${path}/connection_keepalive/interval`, atLeastOneMs],
    [`${path}/connection_keepalive/timeout`, atLeastOneMs],
  ]),
];

const notInList = (value: unknown, word: string): string | undefined =>
  value === word ? `value must not be in list [${word}]` : undefined;

const RULES = BOUNDS.map(([path, bound]) => rule(path, bound));

/** Holds the numbers of a cluster against the rules of Envoy's API. Throws ConfigProblem. */
export function checkBounds(cluster: Cluster): void {
  checkRules(cluster, RULES);
}

import { expect, it } from 'vitest';
import { type Cluster, extensionTypes } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const outlier = (fields: object): object => ({ outlier_detection: fields });
const checked = (fields: object): object => ({
  health_checks: [
    {
      timeout: '1s',
      interval: '1s',
      unhealthy_threshold: 1,
      healthy_threshold: 1,
      http_health_check: { path: '/' },
      ...fields,
    },
  ],
});
const speaking = (fields: object): object => ({
  typed_extension_protocol_options: { [OPTIONS]: { '@type': `type.googleapis.com/${OPTIONS}`, ...fields } },
});
const http2 = (fields: object): object => speaking({ explicit_http_config: { http2_protocol_options: fields } });
const limits = (fields: object): object => ({ common_http_protocol_options: fields });
const trusting = (fields: object): object => ({
  transport_socket: {
    name: 'envoy.transport_sockets.tls',
    typed_config: { '@type': extensionTypes.upstreamTls, common_tls_context: { combined_validation_context: fields } },
  },
});
const COMBINED = 'common_tls_context.combined_validation_context';
const HTTP2 = `typed_extension_protocol_options.${OPTIONS}.explicit_http_config.http2_protocol_options`;
const ABOVE_ZERO = 'value must be greater than 0s';
const UP_TO_100 = 'value must be less than or equal to 100';
const PERCENT = 'value must be inside range [0, 100]';

const cluster = (fields: object): Cluster => ({ name: 'a', type: 'STATIC', ...fields }) as Cluster;
const compile = (fields: object) => compileCluster(cluster(fields), 'v1');

// What a real Envoy answers, with its own words, to the same clusters.
it.each([
  [
    speaking({ explicit_http_config: { http_protocol_options: {} }, ...limits({ max_headers_count: 0 }) }),
    `typed_extension_protocol_options.${OPTIONS}.common_http_protocol_options.max_headers_count: value must be greater than or equal to 1`,
  ],
  [
    speaking({ explicit_http_config: { http_protocol_options: {} }, ...limits({ max_response_headers_kb: 8193 }) }),
    `typed_extension_protocol_options.${OPTIONS}.common_http_protocol_options.max_response_headers_kb: value must be inside range (0, 8192]`,
  ],
  [
    trusting({ validation_context_sds_secret_config: { name: 'ROOTCA' } }),
    `${COMBINED}.default_validation_context: value is required`,
  ],
  [trusting({ default_validation_context: {} }), `${COMBINED}.validation_context_sds_secret_config: value is required`],
  [
    trusting({ default_validation_context: {}, validation_context_sds_secret_config: {} }),
    `${COMBINED}.validation_context_sds_secret_config.name: value length must be at least 1 characters`,
  ],
  [{ connect_timeout: '0s' }, `connect_timeout: ${ABOVE_ZERO}`],
  [{ cleanup_interval: '0s' }, `cleanup_interval: ${ABOVE_ZERO}`],
  [{ type: 'STRICT_DNS', dns_refresh_rate: '0.001s' }, 'dns_refresh_rate: value must be greater than 1ms'],
  [
    { type: 'STRICT_DNS', dns_failure_refresh_rate: { base_interval: '5s', max_interval: '1s' } },
    'dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval',
  ],
  [outlier({ interval: '0s' }), `outlier_detection.interval: ${ABOVE_ZERO}`],
  [outlier({ max_ejection_percent: 101 }), `outlier_detection.max_ejection_percent: ${UP_TO_100}`],
  [outlier({ enforcing_success_rate: 101 }), `outlier_detection.enforcing_success_rate: ${UP_TO_100}`],
  [
    outlier({ base_ejection_time: '5s', max_ejection_time: '1s' }),
    "outlier detector's max_ejection_time cannot be smaller than base_ejection_time",
  ],
  [checked({ timeout: '0s' }), `health_checks[0].timeout: ${ABOVE_ZERO}`],
  [
    checked({ http_health_check: { path: '/', method: 'CONNECT' } }),
    'health_checks[0].http_health_check.method: value must not be in list [CONNECT]',
  ],
  [
    { common_lb_config: { healthy_panic_threshold: { value: 101 } } },
    `common_lb_config.healthy_panic_threshold.value: ${PERCENT}`,
  ],
  [
    { lb_policy: 'LEAST_REQUEST', least_request_lb_config: { choice_count: 1 } },
    'least_request_lb_config.choice_count: value must be greater than or equal to 2',
  ],
  [
    { circuit_breakers: { thresholds: [{}, { retry_budget: { budget_percent: { value: 101 } } }] } },
    `circuit_breakers.thresholds[1].retry_budget.budget_percent.value: ${PERCENT}`,
  ],
  [
    { preconnect_policy: { per_upstream_preconnect_ratio: 4 } },
    'preconnect_policy.per_upstream_preconnect_ratio: value must be inside range [1, 3]',
  ],
  [http2({ max_concurrent_streams: 0 }), `${HTTP2}.max_concurrent_streams: value must be inside range [1, 2147483647]`],
  [
    http2({ connection_keepalive: { interval: '0.0001s', timeout: '1s' } }),
    `${HTTP2}.connection_keepalive.interval: value must be greater than or equal to 1ms`,
  ],
  [http2({ connection_keepalive: { interval: '1s' } }), 'connection_keepalive.timeout: value is required'],
  [speaking({ explicit_http_config: {} }), 'explicit_http_config.protocol_config: is required'],
  [speaking({ auto_config: {} }), 'ALPN configured for cluster a which has a non-ALPN transport socket'],
  [{ lb_policy: 'CLUSTER_PROVIDED' }, "cluster provided LB specified but cluster 'a' did not provide one."],
  [
    { type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', load_assignment: { cluster_name: 'a', endpoints: [{}] } },
    'ORIGINAL_DST clusters must have no load assignment configured',
  ],
  [
    { load_assignment: { cluster_name: 'a', endpoints: [{ priority: 129 }] } },
    'load_assignment.priority: value must be less than or equal to 128',
  ],
])('a cluster with %j is refused', (fields, why) => {
  expect(() => compile(fields)).toThrow(why);
});

it('the least and the most that the rules allow is taken', () => {
  const fields = {
    connect_timeout: '0.001s',
    ...outlier({
      interval: '0.001s',
      max_ejection_percent: 100,
      base_ejection_time: '500s',
      enforcing_success_rate: 0,
    }),
    ...checked({ timeout: '0.001s' }),
    ...http2({ max_concurrent_streams: 1, connection_keepalive: { interval: '0.001s', timeout: '0.001s' } }),
    common_lb_config: { healthy_panic_threshold: { value: 100 } },
    circuit_breakers: { thresholds: [{ retry_budget: { budget_percent: { value: 0 } } }] },
  };
  expect(compile(fields).outlier?.maxEjectionMs).toBe(500_000);
});

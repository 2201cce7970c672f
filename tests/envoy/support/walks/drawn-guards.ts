import type { Dice } from './dice.ts';
import { type DrawnFilter, share, switched, typed } from './drawn-filter.ts';
import { added } from './route-actions.ts';
import { headerMatch, textMatch } from './route-matches.ts';

const KEYS = ['x-a', 'x-b'];
/** Actions of rate limits. */
const action = (roll: Dice): object =>
  roll.one<() => object>([
    () => ({
      request_headers: {
        header_name: roll.one([...KEYS, ':path', ':method']),
        descriptor_key: 'h',
        ...roll.maybe(40, () => ({ skip_if_absent: true })),
      },
    }),
    () => ({ request_headers: { header_name: roll.one(KEYS), descriptor_key: 'h' } }),
    () => ({
      generic_key: {
        descriptor_value: roll.one(['g', '%REQ(x-a)%', '%REQ(x-none)%']),
        ...roll.maybe(40, () => ({ descriptor_key: 'h' })),
        ...roll.maybe(30, () => ({ default_value: 'dflt' })),
      },
    }),
    () => ({
      header_value_match: {
        descriptor_value: 'hv',
        headers: [headerMatch(roll)],
        ...roll.maybe(40, () => ({ expect_match: roll.chance(50) })),
        ...roll.maybe(40, () => ({ descriptor_key: 'h' })),
      },
    }),
    () => ({
      query_parameter_value_match: {
        descriptor_value: 'qv',
        query_parameters: [{ name: 'q', string_match: textMatch(roll) }],
        ...roll.maybe(40, () => ({ expect_match: roll.chance(50) })),
      },
    }),
    () => ({
      query_parameters: {
        query_parameter_name: 'q',
        descriptor_key: 'h',
        ...roll.maybe(40, () => ({ skip_if_absent: true })),
      },
    }),
    () => ({ remote_address: {} }),
    () => ({ masked_remote_address: { v4_prefix_mask_len: 8 } }),
    () => ({ destination_cluster: {} }),
    () => ({
      metadata: {
        descriptor_key: 'h',
        metadata_key: { key: 'walk', path: [{ key: 'k' }] },
        ...roll.maybe(40, () => ({ default_value: 'md' })),
        ...roll.maybe(40, () => ({ skip_if_absent: true })),
      },
    }),
  ])();

export const rateLimits = (roll: Dice, staged = true): object[] =>
  [0, 1].slice(roll.below(2)).map(() => ({
    actions: [0, 1].slice(roll.below(2)).map(() => action(roll)),
    ...roll.maybe(staged ? 20 : 0, () => ({ stage: 1 })),
    ...roll.maybe(20, () => ({
      hits_addend: roll.one([{ number: '2' }, { format: '%REQ(x-n)%' }, { number: '0' }]),
    })),
  }));

const bucket = (roll: Dice): object => ({
  max_tokens: roll.one([1, 2, 5]),
  fill_interval: '3600s',
  ...roll.maybe(50, () => ({ tokens_per_fill: 1 })),
});
const entry = (roll: Dice): object => ({
  key: roll.one(['h', 'h', 'generic_key', 'header_match', 'remote_address']),
  ...roll.maybe(80, () => ({ value: roll.one(['v', '7', '', 'g', 'hv', '/a', 'GET']) })),
});

const localConfig = (roll: Dice): object =>
  typed('local_ratelimit.v3.LocalRateLimit', {
    stat_prefix: 'lrl',
    token_bucket: bucket(roll),
    ...roll.maybe(85, () => ({ filter_enabled: share(roll), filter_enforced: share(roll) })),
    ...roll.maybe(20, () => ({ status: { code: roll.one([503, 429, 200, 403]) } })),
    ...roll.maybe(40, () => ({ request_headers_to_add_when_not_enforced: [added(roll)] })),
    ...roll.maybe(50, () => ({ response_headers_to_add: [added(roll), added(roll)].slice(roll.below(2)) })),
    ...roll.maybe(60, () => ({
      descriptors: [0, 1]
        .slice(roll.below(2))
        .map(() => ({ entries: [0, 1].slice(1 - roll.below(2)).map(() => entry(roll)), token_bucket: bucket(roll) })),
    })),
    ...roll.maybe(20, () => ({ stage: 1 })),
    ...roll.maybe(10, () => ({ local_rate_limit_per_downstream_connection: true })),
    ...roll.maybe(50, () => ({ enable_x_ratelimit_headers: 'DRAFT_VERSION_03' })),
    ...roll.maybe(40, () => ({ vh_rate_limits: roll.one(['OVERRIDE', 'INCLUDE', 'IGNORE']) })),
    ...roll.maybe(40, () => ({ always_consume_default_token_bucket: roll.chance(50) })),
    ...roll.maybe(20, () => ({ rate_limited_as_resource_exhausted: true })),
    ...roll.maybe(30, () => ({ rate_limits: rateLimits(roll, false) })),
    ...roll.maybe(20, () => ({ max_dynamic_descriptors: 2 })),
  });

export const localRateLimit = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.local_ratelimit',
  config: localConfig(roll),
  onRoute: localConfig(roll),
});

export const globalRateLimit = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.ratelimit',
  config: typed('ratelimit.v3.RateLimit', {
    domain: 'walk',
    timeout: '3s',
    rate_limit_service: {
      transport_api_version: 'V3',
      grpc_service: { envoy_grpc: { cluster_name: 'CASE.limiter' }, timeout: '2s' },
    },
    ...roll.maybe(20, () => ({ stage: 1 })),
    ...roll.maybe(20, () => ({ request_type: roll.one(['internal', 'external', 'both']) })),
    ...roll.maybe(30, () => ({ failure_mode_deny: true })),
    ...roll.maybe(20, () => ({ rate_limited_as_resource_exhausted: true })),
    ...roll.maybe(50, () => ({ enable_x_ratelimit_headers: 'DRAFT_VERSION_03' })),
    ...roll.maybe(30, () => ({ disable_x_envoy_ratelimited_header: true })),
    ...roll.maybe(30, () => ({ rate_limited_status: { code: roll.one([503, 429, 200]) } })),
    ...roll.maybe(40, () => ({ response_headers_to_add: [added(roll)] })),
    ...roll.maybe(30, () => ({ stat_prefix: 'pfx' })),
    ...roll.maybe(30, () => ({ filter_enabled: share(roll) })),
    ...roll.maybe(30, () => ({ filter_enforced: share(roll) })),
    ...roll.maybe(30, () => ({ rate_limits: rateLimits(roll, false) })),
  }),
  onRoute: typed('ratelimit.v3.RateLimitPerRoute', {
    ...roll.maybe(50, () => ({ vh_rate_limits: roll.one(['OVERRIDE', 'INCLUDE', 'IGNORE']) })),
    ...roll.maybe(30, () => ({ domain: 'routed' })),
    ...roll.maybe(30, () => ({ rate_limits: rateLimits(roll, false) })),
  }),
});

const some = (roll: Dice): object => ({
  patterns: [0, 1]
    .slice(roll.below(2))
    .map(() =>
      roll.one<object>([
        { exact: 'x-a' },
        { prefix: 'x-' },
        { exact: 'X-B', ignore_case: true },
        { suffix: 'host' },
        { safe_regex: { regex: 'x-[an]' } },
      ]),
    ),
});
export const extAuthz = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.ext_authz',
  config: typed('ext_authz.v3.ExtAuthz', {
    transport_api_version: 'V3',
    ...roll.one<() => object>([
      () => ({ grpc_service: { envoy_grpc: { cluster_name: 'CASE.authorizer' }, timeout: '2s' } }),
      () => ({
        http_service: {
          server_uri: {
            uri: 'http://auth.test/x',
            cluster: roll.one(['CASE.two', 'CASE.two', 'CASE.two', 'CASE.refusing']),
            timeout: '2s',
          },
          ...roll.maybe(40, () => ({ path_prefix: '/check' })),
          ...roll.maybe(60, () => ({
            authorization_request: {
              ...roll.maybe(60, () => ({ allowed_headers: some(roll) })),
              ...roll.maybe(50, () => ({
                headers_to_add: [{ key: roll.one(['x-a', 'x-added']), value: roll.one(['v', '%REQ(x-b)%']) }],
              })),
            },
          })),
          ...roll.maybe(60, () => ({
            authorization_response: {
              ...roll.maybe(60, () => ({ allowed_upstream_headers: some(roll) })),
              ...roll.maybe(40, () => ({ allowed_upstream_headers_to_append: some(roll) })),
              ...roll.maybe(50, () => ({ allowed_client_headers: some(roll) })),
              ...roll.maybe(50, () => ({ allowed_client_headers_on_success: some(roll) })),
              ...roll.maybe(30, () => ({ dynamic_metadata_from_headers: some(roll) })),
            },
          })),
        },
      }),
    ])(),
    ...roll.maybe(40, () => ({ failure_mode_allow: true })),
    ...roll.maybe(40, () => ({ failure_mode_allow_header_add: true })),
    ...roll.maybe(40, () => ({
      with_request_body: {
        max_request_bytes: roll.one([3, 100]),
        ...roll.maybe(50, () => ({ allow_partial_message: true })),
        ...roll.maybe(30, () => ({ pack_as_bytes: true })),
      },
    })),
    ...roll.maybe(40, () => ({ clear_route_cache: true })),
    ...roll.maybe(30, () => ({ status_on_error: { code: roll.one([503, 401]) } })),
    ...roll.maybe(20, () => ({ validate_mutations: true })),
    ...roll.maybe(30, () => ({ metadata_context_namespaces: ['walk'] })),
    ...roll.maybe(20, () => ({ filter_enabled: share(roll) })),
    ...roll.maybe(15, () => ({
      filter_enabled_metadata: { filter: 'walk', path: [{ key: 'k' }], value: { string_match: textMatch(roll) } },
    })),
    ...roll.maybe(15, () => ({ deny_at_disable: switched(roll) })),
    ...roll.maybe(30, () => ({ stat_prefix: 'pfx' })),
    ...roll.maybe(30, () => ({ allowed_headers: some(roll) })),
    ...roll.maybe(30, () => ({ disallowed_headers: some(roll) })),
    ...roll.maybe(20, () => ({ charge_cluster_response_stats: roll.chance(50) })),
    ...roll.maybe(20, () => ({
      decoder_header_mutation_rules: {
        disallow_all: { value: false },
        ...roll.maybe(50, () => ({ disallow_expression: { regex: 'x-a.*' } })),
        ...roll.maybe(40, () => ({ disallow_is_error: true })),
      },
    })),
    ...roll.maybe(20, () => ({ max_denied_response_body_bytes: 4 })),
  }),
  onRoute: typed(
    'ext_authz.v3.ExtAuthzPerRoute',
    roll.one<object>([
      { disabled: true },
      { check_settings: { context_extensions: { k: 'v' } } },
      { check_settings: { disable_request_body_buffering: true } },
      { check_settings: { with_request_body: { max_request_bytes: 4, allow_partial_message: true } } },
    ]),
  ),
});

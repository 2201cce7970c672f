import { describe, expect, it } from 'vitest';
import { readPerFilter } from '../../../server/data-plane/config/filter-overrides.ts';
import { ConfigProblem } from '../../../server/data-plane/config/problem.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';
const LOCAL = 'type.googleapis.com/envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy';
const NODE = { '@type': 'type.googleapis.com/envoy.config.core.v3.Node' };
const COOKIE = {
  '@type': 'type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState',
  cookie: { name: 'c' },
};
const WRAPPER = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';

const wrongRegex = { pattern: { regex: '(' }, substitution: 'a' };
const change = (field: string, value: object): object => ({ mutations: { [field]: [value] } });
const answered = (policy: object): object => ({
  custom_response_matcher: {
    on_no_match: { action: { name: 'a', typed_config: { '@type': LOCAL, ...policy } } },
  },
});

const actions = [{ remote_address: {} }];
const ofStage = (stage: number): object => ({ rate_limits: [{ stage, actions }] });
const weighed = (hits_addend: object): object => ({ rate_limits: [{ hits_addend, actions }] });
const limited = { rate_limits: [{ limit: {}, actions }] };
const BUCKET = { max_tokens: 1, fill_interval: '1s' };
const ofUser = { entries: [{ key: 'user' }], token_bucket: BUCKET };
const switchable = { rate_limits: [{ disable_key: 'a', actions }] };

/** What no proxy can serve: the type of what a route says, its fields, and the reason that is told. */
const UNREADABLE: readonly (readonly [type: string, fields: object, reason: RegExp])[] = [
  ['header_to_metadata.v3.Config', {}, /at least specify either request or response rules/],
  ['header_to_metadata.v3.Config', { request_rules: [{}] }, /One of Cookie or Header/],
  ['header_to_metadata.v3.Config', { request_rules: [{ header: 'a' }] }, /has neither `on_header_present`/],
  [
    'header_to_metadata.v3.Config',
    { request_rules: [{ header: 'a', on_header_present: { key: 'k', regex_value_rewrite: wrongRegex } }] },
    /missing \)|regex/,
  ],
  ['header_to_metadata.v3.Config', { request_rules: [{ header: 'a', on_header_present: {} }] }, /key: value length/],
  ['header_to_metadata.v3.Config', { request_rules: 7 }, /cannot be read/],
  ['stateful_session.v3.StatefulSessionPerRoute', {}, /override: is required/],
  ['stateful_session.v3.StatefulSessionPerRoute', { disabled: false }, /value must equal true/],
  [
    'stateful_session.v3.StatefulSessionPerRoute',
    { stateful_session: { session_state: { name: 'x', typed_config: NODE } } },
    /is not supported/,
  ],
  [
    'stateful_session.v3.StatefulSessionPerRoute',
    { stateful_session: { session_state: { name: 'cookie', typed_config: COOKIE } } },
    /Didn't find a registered implementation for 'cookie'/,
  ],
  [
    'local_ratelimit.v3.LocalRateLimit',
    { stat_prefix: 'a', token_bucket: BUCKET, status: { code: 418 } },
    /status.code: value must be one/,
  ],
  ['compressor.v3.CompressorPerRoute', { disabled: false }, /value must equal true/],
  [
    'compressor.v3.CompressorPerRoute',
    { overrides: { compressor_library: { name: 'x', typed_config: NODE } } },
    /Didn't find a registered implementation for 'x'/,
  ],
  ['custom_response.v3.CustomResponse', answered({ status_code: 99 }), /inside range \[200, 600\)/],
  ['custom_response.v3.CustomResponse', { custom_response_matcher: { on_no_match: {} } }, /neither matcher nor action/],
  ['header_mutation.v3.HeaderMutationPerRoute', change('request_mutations', {}), /has none of remove, append/],
  ['header_mutation.v3.HeaderMutationPerRoute', change('query_parameter_mutations', {}), /must be specified/],
  ['csrf.v3.CsrfPolicy', { filter_enabled: {} }, /default_value: value is required/],
  ['cors.v3.CorsPolicy', { filter_enabled: {} }, /default_value: value is required/],
  ['ext_authz.v3.ExtAuthzPerRoute', { check_settings: { with_request_body: {} } }, /max_request_bytes: value/],
  [
    'ext_authz.v3.ExtAuthzPerRoute',
    { check_settings: { disable_request_body_buffering: true, with_request_body: { max_request_bytes: 1 } } },
    /Only one of disable_request_body_buffering or with_request_body/,
  ],
  ['jwt_authn.v3.PerRouteConfig', { requirement_name: '' }, /requirement_name: value length/],
  ['local_ratelimit.v3.LocalRateLimit', { stat_prefix: 'a' }, /token_bucket: value is required/],
  ['ratelimit.v3.RateLimitPerRoute', { rate_limits: [{}] }, /at least 1 item/],
  ['ratelimit.v3.RateLimitPerRoute', ofStage(0), /'stage' field and 'disable_key' field are not supported/],
  ['ratelimit.v3.RateLimitPerRoute', weighed({}), /hits_addend: must contain either a format or a number/],
  ['ratelimit.v3.RateLimitPerRoute', weighed({ number: 1, format: '%X%' }), /must contain either a format or a number/],
  ['ratelimit.v3.RateLimitPerRoute', weighed({ number: 1_000_000_001 }), /less than or equal to 1000000000/],
  ['ratelimit.v3.RateLimitPerRoute', weighed({ format: '5' }), /does not have prefix "%"/],
  ['ratelimit.v3.RateLimitPerRoute', weighed({ format: '%NOPE%' }), /Not supported field in StreamInfo: NOPE/],
  [
    'ratelimit.v3.RateLimitPerRoute',
    weighed({ format: '%BYTES_SENT%%BYTES_SENT%' }),
    /must contain exactly one substitution/,
  ],
  ['ratelimit.v3.RateLimitPerRoute', limited, /limit.override_specifier: is required/],
  ['ratelimit.v3.RateLimitPerRoute', { rate_limits: [{ actions: [{}] }] }, /action_specifier is required/],
  [
    'ratelimit.v3.RateLimitPerRoute',
    { rate_limits: [{ actions: [{ dynamic_metadata: { descriptor_key: 'a' } }] }] },
    /is deprecated, and Envoy refuses it, too/,
  ],
  [
    'ratelimit.v3.RateLimitPerRoute',
    { rate_limits: [{ actions: [{ masked_remote_address: { v4_prefix_mask_len: 33 } }] }] },
    /less than or equal to 32/,
  ],
  ['local_ratelimit.v3.LocalRateLimit', { stat_prefix: 'a', token_bucket: BUCKET, ...limited }, /'limit' field is not/],
  ['local_ratelimit.v3.LocalRateLimit', { stat_prefix: 'a', token_bucket: {} }, /fill_interval: value is required/],
  [
    'local_ratelimit.v3.LocalRateLimit',
    { stat_prefix: 'a', token_bucket: BUCKET, descriptors: [{ token_bucket: BUCKET }] },
    /entries: value must contain at least 1 item/,
  ],
  [
    'local_ratelimit.v3.LocalRateLimit',
    { stat_prefix: 'a', token_bucket: BUCKET, descriptors: [{ entries: [{ key: 'a' }] }] },
    /descriptors\[0\].token_bucket: value is required/,
  ],
  [
    'local_ratelimit.v3.LocalRateLimit',
    { stat_prefix: 'a', token_bucket: BUCKET, response_headers_to_add: Array(11).fill({ header: { key: 'a' } }) },
    /no more than 10 item/,
  ],
  [
    'local_ratelimit.v3.LocalRateLimit',
    { stat_prefix: 'a', token_bucket: BUCKET, descriptors: [ofUser, ofUser] },
    /duplicate descriptor in the local rate descriptor: user=/,
  ],
  [
    'local_ratelimit.v3.LocalRateLimit',
    {
      stat_prefix: 'a',
      token_bucket: BUCKET,
      local_cluster_rate_limit: {},
      local_rate_limit_per_downstream_connection: true,
    },
    /is set and local_rate_limit_per_downstream_connection is set to true/,
  ],
  ['ratelimit.v3.RateLimitPerRoute', switchable, /'stage' field and 'disable_key' field are not supported/],
  ['fault.v3.HTTPFault', { response_rate_limit: {} }, /limit_type is required/],
  ['fault.v3.HTTPFault', { response_rate_limit: { fixed_limit: {} } }, /greater than or equal to 1/],
  ['rbac.v3.RBACPerRoute', { rbac: { rules: { policies: { a: {} } } } }, /at least 1 item/],
  ['buffer.v3.Buffer', { max_request_bytes: 3 }, /Unable to unpack as BufferPerRoute/],
  ['health_check.v3.HealthCheck', { pass_through_mode: false }, /doesn't support virtual host or route specific/],
];

const read = (given: object): unknown => readPerFilter([{ a: given as never }]);

describe('what routes say to filters', () => {
  it.each(UNREADABLE)('is refused with the table where it cannot be read: %s %j', (type, fields, reason) => {
    const wrong = (): unknown => read({ '@type': TYPE + type, ...fields });
    expect(wrong).toThrow(ConfigProblem);
    expect(wrong).toThrow(reason);
  });

  it('is refused where it is of a type that no filter knows, unless it is optional', () => {
    expect(() => read(NODE)).toThrow(/Didn't find a registered implementation for 'a'/);
    expect(() => read({ '@type': WRAPPER, config: NODE })).toThrow(ConfigProblem);
    expect(() => read({ '@type': WRAPPER, is_optional: true, config: NODE })).not.toThrow();
  });

  it('is refused where it says nothing at all', () => {
    expect(() => read({ '@type': WRAPPER })).toThrow(/Empty route\/virtual host per filter configuration for a filter/);
    expect(() => read({ '@type': WRAPPER, disabled: true })).not.toThrow();
  });
});

import type { Dice } from './dice.ts';
import { type DrawnFilter, switched, TYPES, typed } from './drawn-filter.ts';
import { added } from './route-actions.ts';
import { headerMatch } from './route-matches.ts';

export const buffer = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.buffer',
  config: typed('buffer.v3.Buffer', { max_request_bytes: roll.one([3, 5, 100]) }),
  onRoute: typed(
    'buffer.v3.BufferPerRoute',
    roll.one<object>([{ disabled: true }, { buffer: { max_request_bytes: roll.one([4, 5, 6]) } }]),
  ),
});

const GZIP = { name: 'gzip', typed_config: { '@type': `${TYPES}.compression.gzip.compressor.v3.Gzip` } };
const BROTLI = { name: 'br', typed_config: { '@type': `${TYPES}.compression.brotli.compressor.v3.Brotli` } };
export const compressor = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.compressor',
  config: typed('compressor.v3.Compressor', {
    compressor_library: roll.one([GZIP, BROTLI]),
    ...roll.maybe(90, () => ({
      response_direction_config: {
        common_config: {
          min_content_length: roll.one([0, 5, 12, 30]),
          ...roll.maybe(40, () => ({
            content_type: roll.one([['text/plain'], ['application/json'], ['TEXT/plain', 'x']]),
          })),
          ...roll.maybe(20, () => ({ enabled: switched(roll) })),
        },
        ...roll.maybe(30, () => ({ disable_on_etag_header: true })),
        ...roll.maybe(30, () => ({ weaken_etag_on_compress: true })),
        ...roll.maybe(30, () => ({ remove_accept_encoding_header: true })),
        ...roll.maybe(30, () => ({ uncompressible_response_codes: [404, 418] })),
        ...roll.maybe(30, () => ({ status_header_enabled: true })),
      },
    })),
    ...roll.maybe(30, () => ({
      request_direction_config: { common_config: { min_content_length: roll.one([0, 30]), enabled: switched(roll) } },
    })),
    ...roll.maybe(20, () => ({ choose_first: true })),
  }),
  onRoute: typed(
    'compressor.v3.CompressorPerRoute',
    roll.one<object>([
      { disabled: true },
      { overrides: { response_direction_config: roll.one<object>([{}, { remove_accept_encoding_header: true }]) } },
    ]),
  ),
});

export const customResponse = (roll: Dice): DrawnFilter => {
  const config = (): object =>
    typed('custom_response.v3.CustomResponse', {
      custom_response_matcher: {
        matcher_list: {
          matchers: [0, 1].slice(roll.below(2)).map(() => ({
            predicate: {
              single_predicate: {
                input: {
                  name: 'code',
                  typed_config: {
                    '@type':
                      'type.googleapis.com/envoy.type.matcher.v3.' +
                      roll.one(['HttpResponseStatusCodeMatchInput', 'HttpResponseStatusCodeClassMatchInput']),
                  },
                },
                value_match: { exact: roll.one(['404', '5xx', '200', '503', '4xx', '418']) },
              },
            },
            on_match: {
              action: {
                name: 'act',
                typed_config: {
                  '@type': `${TYPES}.http.custom_response.local_response_policy.v3.LocalResponsePolicy`,
                  ...roll.maybe(60, () => ({ body: { inline_string: 'custom' } })),
                  ...roll.maybe(40, () => ({
                    body_format: {
                      text_format_source: { inline_string: '<%LOCAL_REPLY_BODY% %RESPONSE_CODE% %REQ(x-a)%>' },
                    },
                  })),
                  ...roll.maybe(50, () => ({ status_code: roll.one([200, 499, 503]) })),
                  ...roll.maybe(50, () => ({ response_headers_to_add: [added(roll)] })),
                },
              },
            },
          })),
        },
      },
    });
  return { name: 'envoy.filters.http.custom_response', config: config(), onRoute: config() };
};

const sessionState = (roll: Dice): object =>
  roll.one<object>([
    {
      name: 'envoy.http.stateful_session.cookie',
      typed_config: {
        '@type': `${TYPES}.http.stateful_session.cookie.v3.CookieBasedSessionState`,
        cookie: {
          name: 'c',
          ...roll.maybe(50, () => ({ path: roll.one(['/', '/a', '/a/']) })),
          ...roll.maybe(50, () => ({ ttl: '100s' })),
          ...roll.maybe(30, () => ({ attributes: [{ name: 'SameSite', value: 'Lax' }, { name: 'Secure' }] })),
        },
      },
    },
    {
      name: 'envoy.http.stateful_session.header',
      typed_config: { '@type': `${TYPES}.http.stateful_session.header.v3.HeaderBasedSessionState`, name: 'x-a' },
    },
  ]);
export const statefulSession = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.stateful_session',
  config: typed('stateful_session.v3.StatefulSession', {
    ...roll.maybe(80, () => ({ session_state: sessionState(roll) })),
    ...roll.maybe(30, () => ({ strict: true })),
    ...roll.maybe(30, () => ({ stat_prefix: 'ss' })),
    ...roll.maybe(30, () => ({ status_on_strict_destination_not_found: 409 })),
  }),
  onRoute: typed(
    'stateful_session.v3.StatefulSessionPerRoute',
    roll.chance(40) ? { disabled: true } : { stateful_session: { session_state: sessionState(roll) } },
  ),
});

export const healthCheck = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.health_check',
  config: typed('health_check.v3.HealthCheck', {
    pass_through_mode: roll.chance(50),
    ...roll.maybe(80, () => ({ headers: [headerMatch(roll)] })),
    ...roll.maybe(0, () => ({})),
  }),
});

export const ipTagging = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.ip_tagging',
  config: typed('ip_tagging.v3.IPTagging', {
    request_type: roll.one(['BOTH', 'INTERNAL', 'EXTERNAL']),
    ip_tags: [
      { ip_tag_name: 'loop', ip_list: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
      { ip_tag_name: 'eights', ip_list: [{ address_prefix: '8.8.0.0', prefix_len: 16 }] },
    ],
    ...roll.maybe(50, () => ({
      ip_tag_header: { header: roll.one(['x-a', 'x-tags']), action: roll.one(['SANITIZE', 'APPEND_IF_EXISTS_OR_ADD']) },
    })),
  }),
});

export const cdnLoop = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.cdn_loop',
  config: typed('cdn_loop.v3.CdnLoopConfig', {
    cdn_id: roll.one(['cdn', 'a.test:80', 'x_y']),
    ...roll.maybe(50, () => ({ max_allowed_occurrences: roll.one([0, 1, 2]) })),
  }),
});

export const grpcStats = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.grpc_stats',
  config: typed('grpc_stats.v3.FilterConfig', {
    emit_filter_state: roll.chance(50),
    ...roll.one<object>([{ stats_for_all_methods: true }, {}, { stats_for_all_methods: false }]),
    ...roll.maybe(30, () => ({ enable_upstream_stats: true })),
  }),
});

export const state = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.set_filter_state',
  config: typed('set_filter_state.v3.Config', {
    on_request_headers: [
      {
        object_key: 'walk.state',
        factory_key: 'envoy.string',
        format_string: { text_format_source: { inline_string: roll.one(['%REQ(x-b)%', 'v', '%REQ(x-none)%']) } },
        ...roll.maybe(40, () => ({ read_only: true })),
        ...roll.maybe(40, () => ({ skip_if_empty: true })),
      },
    ],
  }),
});

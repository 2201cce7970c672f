import type { PairCase, PairRequest } from '../pairs/case-file.ts';
import { type Dice, dice } from './dice.ts';
import { METHODS, requestId, someHeaders } from './drawn-request.ts';
import { headerChanges, LOCATIONS, routeAction } from './route-actions.ts';
import { COOKIES, headerMatch, PATHS, QUERIES, routeMatch } from './route-matches.ts';
import { walkedLog } from './walk.ts';

const DOMAINS = ['test', 'test:80', 'a.test', '*.test', 'a.*', '*', 'TEST', 'other.test', '*-x.test', 'b.test:*'];
const HOSTS = ['test', 'test:80', 'a.test', 'A.TEST:81', 'b.test', 'c-x.test', 'a.org', 'other.test.', 'none'];
const REQUESTS = 16;

/** Tables of routes of all kinds, with requests of few words, so that they meet. */
export const cases = (seed: string, count: number): PairCase[] =>
  Array.from({ length: count }, (_, i) => routesCase(dice(`${seed}/routes/${i}`), `w${i}`));

function routesCase(roll: Dice, name: string): PairCase {
  const domains = roll.shuffled(DOMAINS);
  const hosts = [0, 1, 2]
    .slice(roll.below(3))
    .map((i) => virtualHost(roll, `${name}.v${i}`, domains.splice(0, 1 + roll.below(3))));
  return {
    name,
    http: {
      access_log: [walkedLog('walk')],
      preserve_external_request_id: true,
      ...connection(roll),
      route_config: {
        name: 'table',
        validate_clusters: false,
        virtual_hosts: hosts.map((host) => JSON.parse(JSON.stringify(host).replaceAll('CASE', name)) as object),
        ...headerChanges(roll, 25),
        ...roll.maybe(20, () => ({ most_specific_header_mutations_wins: true })),
        ...roll.maybe(20, () => ({ ignore_port_in_host_matching: true })),
        ...roll.maybe(15, () => ({ ignore_path_parameters_in_path_matching: true })),
        ...roll.maybe(10, () => ({ internal_only_headers: ['x-b'] })),
      },
    },
    filters: [
      {
        name: 'envoy.filters.http.header_to_metadata',
        request_rules: [
          { header: 'x-a', on_header_present: { metadata_namespace: 'walk', key: 'k' } },
          { header: 'x-n', on_header_present: { metadata_namespace: 'walk', key: 'l', type: 'NUMBER' } },
        ],
      },
      {
        name: 'state',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config',
          on_request_headers: [
            {
              object_key: 'walk.state',
              factory_key: 'envoy.string',
              format_string: { text_format_source: { inline_string: '%REQ(x-b)%' } },
            },
          ],
        },
      },
    ],
    clusters: {
      one: { hosts: ['one'] },
      two: { hosts: ['two'] },
      named: { hosts: [{ host: 'three', hostname: 'named.host' }] },
    },
    requests: Array.from({ length: REQUESTS }, (_, i) => request(roll, name, i)),
  };
}

const virtualHost = (roll: Dice, name: string, domains: readonly string[]): object => ({
  name,
  domains,
  routes: Array.from({ length: 1 + roll.below(6) }, (_, i) => ({
    ...roll.maybe(80, () => ({ name: `r${i}` })),
    match: routeMatch(roll),
    ...routeAction(roll, name.split('.')[0]!),
    ...roll.maybe(10, () => ({ stat_prefix: `route${i}` })),
  })),
  ...headerChanges(roll, 30),
  ...roll.maybe(15, () => ({ require_tls: roll.one(['ALL', 'EXTERNAL_ONLY']) })),
  ...roll.maybe(20, () => ({ include_request_attempt_count: true })),
  ...roll.maybe(20, () => ({ include_attempt_count_in_response: true })),
  ...roll.maybe(25, () => ({
    virtual_clusters: [
      { name: 'some', headers: [headerMatch(roll)] },
      { name: 'posts', headers: [{ name: ':method', string_match: { exact: 'POST' } }] },
    ],
  })),
});

const connection = (roll: Dice): object => ({
  ...roll.maybe(20, () => ({ normalize_path: true })),
  ...roll.maybe(20, () => ({ merge_slashes: true })),
  ...roll.maybe(20, () => ({
    path_with_escaped_slashes_action: roll.one([
      'REJECT_REQUEST',
      'UNESCAPE_AND_REDIRECT',
      'UNESCAPE_AND_FORWARD',
      'KEEP_UNCHANGED',
    ]),
  })),
  ...roll.one([
    () => ({}),
    () => ({}),
    () => ({ strip_matching_host_port: true }),
    () => ({ strip_any_host_port: true }),
  ])(),
  ...roll.maybe(10, () => ({ strip_trailing_host_dot: true })),
  ...roll.maybe(30, () => ({ use_remote_address: true })),
  ...roll.maybe(20, () => ({ xff_num_trusted_hops: roll.one([1, 2]) })),
  ...roll.maybe(10, () => ({ skip_xff_append: true })),
  ...roll.maybe(15, () => ({ via: 'walk' })),
  ...roll.maybe(20, () => ({
    server_name: 'w',
    server_header_transformation: roll.one(['OVERWRITE', 'APPEND_IF_ABSENT', 'PASS_THROUGH']),
  })),
  ...roll.maybe(10, () => ({
    scheme_header_transformation: { scheme_to_overwrite: roll.one(['http', 'https']), ...roll.maybe(0, () => ({})) },
  })),
  ...roll.maybe(10, () => ({ append_x_forwarded_port: true })),
  ...roll.maybe(10, () => ({ always_set_request_id_in_response: true })),
  ...roll.maybe(10, () => ({ headers_with_underscores_action: 'DROP_HEADER' })),
  ...roll.maybe(20, () => ({
    local_reply_config: {
      mappers: [
        {
          filter: {
            status_code_filter: {
              comparison: {
                op: roll.one(['GE', 'EQ', 'LE']),
                value: { default_value: roll.one([404, 500]), runtime_key: 'k' },
              },
            },
          },
          ...roll.maybe(50, () => ({ status_code: 418 })),
          ...roll.maybe(50, () => ({ body: { inline_string: 'mapped' } })),
          ...roll.maybe(50, () => ({ headers_to_add: [{ header: { key: 'x-mapped', value: '%RESPONSE_CODE%' } }] })),
          ...roll.maybe(50, () => ({
            body_format_override: { json_format: { a: '%LOCAL_REPLY_BODY%', b: '%RESPONSE_CODE_DETAILS%' } },
          })),
        },
      ],
      ...roll.maybe(50, () => ({
        body_format: { text_format_source: { inline_string: '%LOCAL_REPLY_BODY%~%RESPONSE_FLAGS%' } },
      })),
    },
  })),
});

function request(roll: Dice, name: string, i: number): PairRequest {
  const headers: Record<string, string | readonly string[]> = {
    ...someHeaders(roll),
    ...roll.maybe(30, () => ({ cookie: roll.one(COOKIES) })),
    ...roll.maybe(25, () => ({ 'x-cluster': `${name}.${roll.one(['one', 'two', 'none', 'named'])}` })),
    'x-draw': String(roll.below(120)),
    'x-request-id': requestId(roll),
    ...roll.maybe(20, () => ({ 'x-forwarded-proto': roll.one(['http', 'https', 'HTTPS']) })),
    ...roll.maybe(20, () => ({
      'x-forwarded-for': roll.one(['8.8.8.8', '10.0.0.1', '8.8.8.8, 10.0.0.2', '1.2.3.4,5.6.7.8, 9.9.9.9', 'x']),
    })),
    ...roll.maybe(15, () => ({ 'x-echo-status': roll.one(['404', '302', '500', '204', '503', '304']) })),
    ...roll.maybe(15, () => ({
      'x-echo-status': roll.one(['302', '307', '303', '301']),
      'x-echo-set': `location: ${roll.one(LOCATIONS)} | x-copied: yes`,
    })),
    ...roll.maybe(10, () => ({
      'content-type': roll.one(['application/grpc', 'application/grpc+proto', 'text/plain']),
    })),
    ...roll.maybe(5, () => ({ 'x-under_score': '1' })),
    ...roll.maybe(5, () => ({ 'x-envoy-original-path': '/orig' })),
    ...roll.maybe(5, () => ({ 'x-forwarded-host': 'fwd.host' })),
    ...roll.maybe(5, () => ({ te: 'trailers' })),
  };
  const method = roll.one(METHODS);
  return {
    name: `r${i}`,
    method,
    path: `${roll.one(PATHS)}${roll.one(QUERIES)}`,
    host: roll.one(HOSTS),
    headers,
    ...(method !== 'HEAD' && method !== 'GET' && roll.chance(60) && { body: 'hello' }),
    ...roll.maybe(15, () => ({ protocol: 'h2' as const })),
    expect: { status: 0 },
  };
}

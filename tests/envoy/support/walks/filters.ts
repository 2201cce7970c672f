import type { PairCase, PairRequest } from '../pairs/case-file.ts';
import { type Dice, dice } from './dice.ts';
import {
  buffer,
  cdnLoop,
  compressor,
  customResponse,
  grpcStats,
  healthCheck,
  ipTagging,
  state,
  statefulSession,
} from './drawn-answers.ts';
import { cors, csrf, fault, headerMutation, headerToMetadata, setMetadata } from './drawn-changes.ts';
import type { DrawnFilter } from './drawn-filter.ts';
import { extAuthz, globalRateLimit, localRateLimit, rateLimits } from './drawn-guards.ts';
import { rbac } from './drawn-rbac.ts';
import { METHODS, requestId, someHeaders } from './drawn-request.ts';
import { headerChanges } from './route-actions.ts';
import { PATHS, QUERIES } from './route-matches.ts';
import { walkedLog } from './walk.ts';

/** Those that matter most come most often. */
const KINDS: readonly ((roll: Dice) => DrawnFilter)[] = [
  headerMutation,
  headerMutation,
  cors,
  cors,
  csrf,
  fault,
  fault,
  rbac,
  rbac,
  localRateLimit,
  localRateLimit,
  globalRateLimit,
  extAuthz,
  extAuthz,
  headerToMetadata,
  setMetadata,
  buffer,
  compressor,
  customResponse,
  statefulSession,
  healthCheck,
  ipTagging,
  cdnLoop,
  grpcStats,
  state,
];

const REQUESTS = 18;
const HOSTS = ['test', 'a.test', 'A.test:80', 'test:443'];

/** Filters of all kinds with configurations of routes, and requests of few words, so that they meet. */
export const cases = (seed: string, count: number): PairCase[] =>
  Array.from({ length: count }, (_, i) => filtersCase(dice(`${seed}/filters/${i}`), `f${i}`));

function filtersCase(roll: Dice, name: string): PairCase {
  const drawn = [0, 1, 2].slice(roll.below(3)).map(() => roll.one(KINDS)(roll));
  const filters = [...new Map(drawn.map((each) => [each.name, each])).values()];
  const metadata: DrawnFilter[] = filters.some((each) => each.name.endsWith('header_to_metadata'))
    ? []
    : [
        {
          name: 'envoy.filters.http.header_to_metadata',
          config: {
            '@type': 'type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config',
            request_rules: [{ header: 'x-a', on_header_present: { metadata_namespace: 'walk', key: 'k' } }],
          },
        },
      ];
  const placed = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value).replaceAll('CASE', name)) as Value;
  const onRoutes = (percent: number): object =>
    roll.maybe(70, () => ({
      typed_per_filter_config: Object.fromEntries(
        filters
          .filter((each) => each.onRoute !== undefined && roll.chance(percent))
          .map((each) => [each.name, each.onRoute]),
      ),
    }));
  const limits = (): object => roll.maybe(35, () => ({ rate_limits: rateLimits(roll) }));
  const buffers = filters.some(({ name: filter }) => /buffer|ext_authz|compressor/.test(filter));
  return placed({
    name,
    http: {
      access_log: [walkedLog('walk')],
      preserve_external_request_id: true,
      ...roll.maybe(20, () => ({ use_remote_address: true })),
      http_filters: [
        ...[...metadata, ...filters].map((each) => ({ name: each.name, typed_config: each.config })),
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
        },
      ],
      route_config: {
        name: 'table',
        validate_clusters: false,
        virtual_hosts: [
          {
            name: `${name}.v`,
            domains: ['*'],
            ...onRoutes(50),
            ...limits(),
            routes: [
              { name: 'a', match: { prefix: '/a' }, route: { cluster: `${name}.one`, ...limits() }, ...onRoutes(60) },
              {
                name: 'n',
                match: { prefix: '/b', headers: [{ name: 'x-n', present_match: true }] },
                direct_response: { status: 418, body: { inline_string: 'direct' } },
                ...onRoutes(60),
                ...roll.maybe(50, () => headerChanges(roll, 50)),
              },
              {
                name: 'b',
                match: { prefix: '/b' },
                route: roll.one<object>([
                  {
                    weighted_clusters: {
                      clusters: [
                        { name: `${name}.one`, weight: 0 },
                        { name: `${name}.two`, weight: 1, ...onRoutes(80) },
                      ],
                    },
                    ...limits(),
                  },
                  { cluster: `${name}.refusing`, ...limits() },
                  { cluster: `${name}.none` },
                ]),
                ...onRoutes(60),
              },
              { name: 'r', match: { prefix: '/A' }, redirect: { path_redirect: '/a' }, ...onRoutes(60) },
              {
                name: 'rest',
                match: { prefix: '/', headers: [{ name: 'accept', string_match: { exact: 'v' }, invert_match: true }] },
                route: { cluster: `${name}.two`, ...limits() },
                ...onRoutes(60),
              },
            ],
          },
        ],
      },
    },
    clusters: {
      one: { hosts: ['one'] },
      two: { hosts: ['two'] },
      h2: {
        hosts: ['h2'],
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
      },
      refusing: { hosts: ['refusing'] },
      authorizer: {
        hosts: ['authorizer'],
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
      },
      limiter: {
        hosts: ['limiter'],
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
      },
    },
    // A body of one frame of HTTP/2 is a row of the README there.
    requests: Array.from({ length: REQUESTS }, (_, i) => request(roll, i)).map((each) =>
      buffers && each.body !== undefined ? { ...each, protocol: 'h1' as const } : each,
    ),
  });
}

const CHECKS = [
  {
    status: { code: 0 },
    ok_response: {
      headers: [
        { header: { key: 'x-a', value: 'v' }, append: { value: true } },
        { header: { key: 'x-n', value: 'set' }, append_action: 'ADD_IF_ABSENT' },
      ],
      headers_to_remove: ['x-b'],
      response_headers_to_add: [{ header: { key: 'x-host', value: 'auth' } }],
    },
  },
  {
    status: { code: 0 },
    ok_response: { query_parameters_to_set: [{ key: 'q', value: 'set' }], query_parameters_to_remove: ['p'] },
    dynamic_metadata: { k: 'v' },
  },
  { status: { code: 7 } },
  {
    status: { code: 7 },
    denied_response: {
      status: { code: 401 },
      headers: [{ header: { key: 'x-a', value: 'no' } }, { header: { key: 'content-type', value: 'a/b' } }],
      body: 'denied',
    },
  },
  { status: { code: 7 }, denied_response: { status: { code: 0 }, body: 'x' } },
  { status: { code: 16 }, denied_response: { headers: [] } },
  { status: { code: 2 } },
];
const ORIGINS = [
  'http://a.test',
  'https://b.test',
  'http://test',
  'null',
  'http://a.test:80',
  'HTTP://A.TEST',
  '',
  'a.test',
  'http://a.test, http://b.test',
  'http://test/path',
];
const ENCODINGS = [
  'gzip',
  'br',
  'gzip, br',
  'br;q=0.5, gzip;q=0.1',
  '*',
  'identity',
  'gzip;q=0',
  'identity;q=0, *;q=0',
  'deflate',
  'GZIP',
  '',
];
const CODES = ['404', '503', '204', '500', '418', '302', '304', '201'];

function request(roll: Dice, i: number): PairRequest {
  const preflight = roll.chance(12);
  const headers: Record<string, string | readonly string[]> = {
    ...someHeaders(roll),
    'x-request-id': requestId(roll),
    ...roll.maybe(preflight ? 90 : 30, () => ({ origin: roll.one(ORIGINS) })),
    ...roll.maybe(preflight ? 90 : 4, () => ({ 'access-control-request-method': roll.one(['GET', 'PUT', '']) })),
    ...roll.maybe(preflight ? 40 : 2, () => ({
      'access-control-request-private-network': roll.one(['true', 'false']),
    })),
    ...roll.maybe(10, () => ({ 'x-envoy-fault-abort-request': roll.one(['418', '503', 'x', '199', '600']) })),
    ...roll.maybe(6, () => ({ 'x-envoy-fault-abort-request-percentage': roll.one(['0', '100', 'x']) })),
    ...roll.maybe(6, () => ({ 'x-envoy-fault-abort-grpc-request': roll.one(['14', '5', 'x']) })),
    ...roll.maybe(6, () => ({ 'x-envoy-fault-delay-request': roll.one(['3', '0', 'x']) })),
    ...roll.maybe(5, () => ({ 'x-envoy-fault-throughput-response': '1000' })),
    ...roll.maybe(10, () => ({ 'x-envoy-downstream-service-node': roll.one(['a', 'b']) })),
    ...roll.maybe(20, () => ({ 'x-forwarded-for': roll.one(['8.8.8.8', '10.0.0.1', '8.8.8.8, 10.0.0.2']) })),
    ...roll.maybe(30, () => ({ 'x-check': JSON.stringify(roll.one(CHECKS)) })),
    ...roll.maybe(25, () => ({ 'accept-encoding': roll.one(ENCODINGS) })),
    ...roll.maybe(20, () => ({ 'x-echo-status': roll.one(CODES) })),
    ...roll.maybe(20, () => ({
      'x-echo-set': roll.one([
        'etag: "x"',
        'etag: W/"x"',
        'content-type: application/json',
        'vary: x',
        'vary: accept-encoding',
        'cache-control: no-transform',
        'x-a: v',
        'x-envoy-upstream-healthchecked-cluster: c',
        'access-control-allow-origin: x',
        'set-cookie: a=b',
        'x-a: v | x-n: 7',
      ]),
    })),
    ...roll.maybe(10, () => ({ 'cdn-loop': roll.one(['cdn', 'cdn, cdn', 'a.test:80; p=1', 'x, cdn;a="b"', '', '"']) })),
    ...roll.maybe(15, () => ({ cookie: roll.one(['c=v', 'c="x"', 'c=MTI3LjAuMC4xOjgw', 'c=; d=1', 'a=b']) })),
    ...roll.maybe(12, () => ({
      'content-type': roll.one(['application/grpc', 'application/grpc-web', 'text/plain', 'application/grpc-web-text']),
    })),
    ...roll.maybe(5, () => ({ te: 'trailers' })),
  };
  const method = preflight ? 'OPTIONS' : roll.one(METHODS);
  return {
    name: `r${i}`,
    method,
    path: `${roll.one(PATHS)}${roll.one(QUERIES)}`,
    host: roll.one(HOSTS),
    headers,
    ...(method !== 'HEAD' &&
      method !== 'GET' &&
      roll.chance(60) && { body: roll.one(['hello', 'hi', 'a much longer text that goes on']) }),
    ...roll.maybe(20, () => ({ protocol: 'h2' as const })),
    expect: { status: 0 },
  };
}

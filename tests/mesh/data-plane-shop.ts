import type { Cluster, Route } from '#xds';
import { edsCluster, endpoints, faultFilter, forwardTo, standardClusters } from './data-plane-config.ts';
import { NET } from './own-network.ts';

/** A service `shop` with subsets for every fate a request can meet. */
export const VIP = { ip: `${NET}.9.9`, port: 80 };
export const V1 = 'outbound|80|v1|shop.default.svc.cluster.local';
export const V2 = 'outbound|80|v2|shop.default.svc.cluster.local';
export const EMPTY = 'outbound|80|empty|shop.default.svc.cluster.local';
export const DEAD = 'outbound|80|dead|shop.default.svc.cluster.local';
export const RUDE = 'outbound|80|rude|shop.default.svc.cluster.local';
export const TIGHT = 'outbound|80|tight|shop.default.svc.cluster.local';
export const PAIR = 'outbound|80|pair|shop.default.svc.cluster.local';

export const clusters: Cluster[] = [
  ...standardClusters,
  ...[V1, V2, EMPTY, DEAD, RUDE].map((name) => edsCluster(name)),
  edsCluster(PAIR, { lb_policy: 'ROUND_ROBIN' }),
  edsCluster(TIGHT, { circuit_breakers: { thresholds: [{ max_connections: 1, max_pending_requests: 0 }] } }),
];
export const assignments = [
  endpoints(V1, [`${NET}.2.1:8080`]),
  endpoints(V2, [`${NET}.2.2:8080`]),
  endpoints(EMPTY, []),
  endpoints(DEAD, [`${NET}.2.3:8080`]),
  endpoints(RUDE, [`${NET}.2.4:8080`]),
  endpoints(TIGHT, [`${NET}.2.1:8080`]),
  endpoints(PAIR, [`${NET}.2.3:8080`, `${NET}.2.1:8080`]),
];

const at = (path: string, route: Partial<Route>): Route => ({
  ...route,
  name: path,
  match: { prefix: path, ...(route.match?.headers && { headers: route.match.headers }) },
});
const fault = (fields: Record<string, unknown>) => ({
  typed_per_filter_config: { 'envoy.filters.http.fault': { ...faultFilter.typed_config, ...fields } },
});

/** One route per path; each shows one thing that a route can do or meet. */
export const shopRoutes: Route[] = [
  at('/split', {
    route: {
      weighted_clusters: {
        clusters: [
          { name: V1, weight: 90 },
          { name: V2, weight: 10 },
        ],
      },
      timeout: '0s',
    },
  }),
  at('/jason', {
    ...forwardTo(V2),
    match: { prefix: '/jason', headers: [{ name: 'end-user', string_match: { exact: 'jason' } }] },
  }),
  at('/empty', forwardTo(EMPTY)),
  at('/dead', forwardTo(DEAD)),
  at('/rude', forwardTo(RUDE)),
  at('/unknown', forwardTo('outbound|80|v9|shop.default.svc.cluster.local')),
  at('/tight', forwardTo(TIGHT)),
  at('/slow', forwardTo(V1, { timeout: '0.05s' })),
  at('/try', forwardTo(V1, { retry_policy: { retry_on: '5xx', num_retries: 2, per_try_timeout: '0.05s' } })),
  at('/flaky', forwardTo(V1, { retry_policy: { retry_on: '5xx', num_retries: 2 } })),
  at(
    '/pair',
    forwardTo(PAIR, {
      retry_policy: {
        retry_on: 'connect-failure',
        num_retries: 2,
        retry_host_predicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
        host_selection_retry_max_attempts: '5',
      },
    }),
  ),
  at('/delay', { ...forwardTo(V1), ...fault({ delay: { fixed_delay: '0.08s', percentage: { numerator: 100 } } }) }),
  at('/abort', { ...forwardTo(V1), ...fault({ abort: { http_status: 418, percentage: { numerator: 100 } } }) }),
  at('/grpc', forwardTo(V1, { max_grpc_timeout: '0s', grpc_timeout_offset: '0.5s' })),
  at('/old', { redirect: { path_redirect: '/new', response_code: 'FOUND' } }),
  at('/hello', { direct_response: { status: 200, body: { inline_string: 'hi' } } }),
  at('/api/', forwardTo(V1, { prefix_rewrite: '/v1/' })),
  at('/mirror', forwardTo(V1, { request_mirror_policies: [{ cluster: V2 }] })),
  at('/misnamed', { ...forwardTo(V1), request_headers_to_add: [{ header: { key: 'x y', value: 'b' } }] }),
  at('/upgrade', {
    ...forwardTo(V1, { host_rewrite_literal: 'a b' }),
    request_headers_to_add: [{ header: { key: 'upgrade', value: 'websocket' } }],
  }),
  at('/echo', { ...forwardTo(V1), request_headers_to_add: [{ header: { key: 'x-path', value: '%REQ(:PATH)%' } }] }),
];

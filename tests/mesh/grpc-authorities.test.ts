import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Any, type Cluster, type Listener, type Route, typeUrls } from '#xds';
import {
  edsCluster,
  endpoints,
  http,
  outboundListener,
  router,
  standardClusters,
  virtualOutbound,
} from './data-plane-config.ts';
import {
  type Answer,
  createTestCa,
  type FetchOptions,
  listen,
  type Pod,
  startPod,
  until,
} from './data-plane-harness.ts';
import { serveAuthority } from './grpc-authorities.ts';
import { NET } from './own-network.ts';

const VIP = { ip: `${NET}.9.9`, port: 80 };
const OPEN = { ip: `${NET}.9.9`, port: 81 };
const HOST = `${NET}.2.1`;
const filters = 'type.googleapis.com/envoy.extensions.filters.http';
const FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %DYNAMIC_METADATA(envoy.filters.http.ext_authz:who)%\n';

const service = (cluster: string) => ({ envoy_grpc: { cluster_name: cluster }, timeout: '1.5s' });
const authz = (fields: object): { name: string; typed_config: Any } => ({
  name: 'envoy.filters.http.ext_authz',
  typed_config: {
    '@type': `${filters}.ext_authz.v3.ExtAuthz`,
    transport_api_version: 'V3',
    grpc_service: service('authz'),
    ...fields,
  },
});
const limit = (fields: object): { name: string; typed_config: Any } => ({
  name: 'envoy.filters.http.ratelimit',
  typed_config: {
    '@type': `${filters}.ratelimit.v3.RateLimit`,
    domain: 'shop',
    enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    rate_limit_service: { transport_api_version: 'V3', grpc_service: service('limits') },
    timeout: '1.5s',
    ...fields,
  },
});
const listener = (port: number, list: ReturnType<typeof authz>[]): Listener => ({
  ...outboundListener(port),
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: `shop-${port}`,
          http_filters: [...list, router],
          access_log: [
            {
              name: 'envoy.access_loggers.file',
              typed_config: {
                '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
                path: '/dev/stdout',
                log_format: { text_format_source: { inline_string: FORMAT } },
              },
            },
          ],
          route_config: {
            name: `${port}`,
            virtual_hosts: [
              {
                name: 'shop',
                domains: ['*'],
                routes: [
                  {
                    match: { prefix: '/own-rules' },
                    route: { cluster: 'shop', rate_limits: [{ actions: [{ remote_address: {} }] }] },
                    typed_per_filter_config: {
                      'envoy.filters.http.ratelimit': {
                        '@type': `${filters}.ratelimit.v3.RateLimitPerRoute`,
                        domain: 'other',
                        rate_limits: [{ actions: [{ generic_key: { descriptor_value: 'own' } }] }],
                      },
                    },
                  } as Route,
                  {
                    match: { prefix: '/' },
                    route: {
                      cluster: 'shop',
                      rate_limits: [
                        {
                          actions: [
                            { request_headers: { header_name: ':path', descriptor_key: 'PATH' } },
                            { generic_key: { descriptor_value: 'all' } },
                          ],
                        },
                      ],
                    },
                  } as Route,
                ],
              },
            ],
          },
        }),
      ],
    },
  ],
});
const http2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
} as Partial<Cluster>;

type Message = Record<string, unknown>;
const header = (key: string, value: string): Message => ({ header: { key, value }, append: { value: false } });

describe('services that grpc-js serves and a proxy asks', () => {
  const servers: Server[] = [];
  const stops: (() => void)[] = [];
  const checks: Message[] = [];
  const limits: Message[] = [];
  const heard: Record<string, unknown>[] = [];
  let pod: Pod;

  const call = (path: string, options: FetchOptions = {}, to = VIP): Promise<Answer> =>
    pod.fetch(to, { host: 'shop', path, ...options });
  const logged = async (path: string): Promise<string> => {
    const find = (): string | undefined => pod.logs.find((line) => line.startsWith(`${path} `));
    await until(() => find() !== undefined, `a line for ${path}`);
    return find()!.trim();
  };
  const told = (): { headers: Record<string, string>; body?: string; raw_body?: Buffer; path: string } =>
    (checks.at(-1) as { attributes: { request: { http: never } } }).attributes.request.http;

  beforeAll(async () => {
    await listen(servers, HOST, 8080, (request, response) => {
      heard.push({ ...request.headers });
      request.resume();
      request.on('end', () => response.end('shop'));
    });
    const authority = await serveAuthority(
      `${HOST}:9001`,
      {
        proto: 'envoy/service/auth/v3/external_auth.proto',
        service: 'envoy.service.auth.v3.Authorization',
        method: 'Check',
      },
      (request, reply) => {
        checks.push(request);
        const { path } = told();
        if (path.startsWith('/late')) return;
        if (path.startsWith('/broken')) return reply({ code: 13, message: 'broken' });
        if (path.startsWith('/misnamed'))
          return reply(null, { status: { code: 0 }, ok_response: { headers: [header('x up', 'a')] } });
        if (path.startsWith('/deny'))
          return reply(null, {
            status: { code: 7 },
            denied_response: {
              status: { code: 'Unauthorized' },
              headers: [header('x-why', 'no ticket')],
              body: 'ticket?',
            },
          });
        return reply(null, {
          status: { code: 0 },
          ok_response: {
            headers: [header('x-user', 'ann')],
            headers_to_remove: ['x-ticket'],
            response_headers_to_add: [header('x-session', 's1')],
          },
          dynamic_metadata: { fields: { who: { stringValue: 'ann' } } },
        });
      },
    );
    const limiter = await serveAuthority(
      `${HOST}:9002`,
      {
        proto: 'envoy/service/ratelimit/v3/rls.proto',
        service: 'envoy.service.ratelimit.v3.RateLimitService',
        method: 'ShouldRateLimit',
      },
      (request, reply) => {
        limits.push(request);
        const text = JSON.stringify(request);
        if (text.includes('/no-limiter')) return reply({ code: 14, message: 'away' });
        const over = text.includes('/over');
        return reply(null, {
          overall_code: over ? 'OVER_LIMIT' : 'OK',
          statuses: [
            {
              code: over ? 'OVER_LIMIT' : 'OK',
              current_limit: { requests_per_unit: 10, unit: 'MINUTE' },
              limit_remaining: over ? 0 : 9,
              duration_until_reset: { seconds: 30 },
            },
          ],
          response_headers_to_add: [{ key: 'x-limiter', value: 'seen' }],
          dynamic_metadata: { fields: { who: { stringValue: 'limiter' } } },
        });
      },
    );
    stops.push(authority.stop, limiter.stop);
    pod = await startPod({ ip: `${NET}.1.1`, name: 'client-v1', signer: await createTestCa() }, (xds) => {
      xds.push(typeUrls.cluster, [
        ...standardClusters,
        edsCluster('shop'),
        edsCluster('authz', http2),
        edsCluster('limits', http2),
      ]);
      xds.push(typeUrls.endpoint, [
        endpoints('shop', [`${HOST}:8080`]),
        endpoints('authz', [`${HOST}:9001`]),
        endpoints('limits', [`${HOST}:9002`]),
      ]);
      const strict = [
        authz({
          status_on_error: { code: 'ServiceUnavailable' },
          allowed_headers: { patterns: [{ exact: 'x-ticket' }] },
          with_request_body: { max_request_bytes: 4, allow_partial_message: true },
        }),
        limit({
          failure_mode_deny: true,
          response_headers_to_add: [
            { header: { key: 'x-refused', value: '%DYNAMIC_METADATA(envoy.filters.http.ratelimit:who)%' } },
          ],
        }),
      ];
      const watching = { stat_prefix: 'open', filter_enforced: { default_value: { numerator: 0 } } };
      const open = [authz({ failure_mode_allow: true, failure_mode_allow_header_add: true }), limit(watching)];
      xds.push(typeUrls.listener, [virtualOutbound, listener(80, strict), listener(81, open)]);
    });
  });

  afterAll(async () => {
    await pod?.stop();
    for (const stop of stops) stop();
    for (const server of servers) server.close();
  });

  it('changes request and answer as the authorizer says, and keeps its metadata', async () => {
    const answer = await call('/ok', { headers: { 'x-ticket': 't1', 'x-other': 'o' } });
    expect([answer.status, answer.headers['x-session']]).toEqual([200, 's1']);
    expect(heard.at(-1)).toMatchObject({ 'x-user': 'ann', 'x-other': 'o' });
    expect(heard.at(-1)).not.toHaveProperty('x-ticket');
    expect(told().headers).toMatchObject({ 'x-ticket': 't1' });
    expect(told().headers).not.toHaveProperty('x-other');
    expect(await logged('/ok')).toBe('/ok 200 - via_upstream ann');
  });

  it('passes the refusal on', async () => {
    const answer = await call('/deny');
    expect([answer.status, answer.body, answer.headers['x-why']]).toEqual([401, 'ticket?', 'no ticket']);
    expect(await logged('/deny')).toBe('/deny 401 UAEX ext_authz_denied -');
  });

  it('sends no request that is to have a header with an impossible name', async () => {
    const answer = await call('/misnamed');
    expect([answer.status, answer.body]).toEqual([503, 'invalid header name: x up']);
  });

  it('tells the start of the body, and that it is only the start', async () => {
    expect((await call('/body', { method: 'POST', body: 'hello' })).status).toBe(200);
    expect(told().body).toBe('hell');
    expect(told().headers['x-envoy-auth-partial-body']).toBe('true');
  });

  it.each(['/broken', '/late'])('refuses with the status of its own when the authorizer fails: %s', async (path) => {
    expect((await call(path)).status).toBe(503);
    expect(await logged(path)).toBe(`${path} 503 UAEX ext_authz_error -`);
  });

  it.each(['/broken-open', '/late-open'])('fails open, and says so: %s', async (path) => {
    expect((await call(path, {}, OPEN)).status).toBe(200);
    expect(heard.at(-1)).toMatchObject({ 'x-envoy-auth-failure-mode-allowed': 'true' });
  });

  it('sends the descriptors of the route, and tells the client what is left', async () => {
    const answer = await call('/left');
    expect(limits.at(-1)).toMatchObject({
      domain: 'shop',
      descriptors: [
        {
          entries: [
            { key: 'PATH', value: '/left' },
            { key: 'generic_key', value: 'all' },
          ],
        },
      ],
    });
    expect(answer.headers).toMatchObject({
      'x-ratelimit-limit': '10, 10;w=60',
      'x-ratelimit-remaining': '9',
      'x-ratelimit-reset': '30',
      'x-limiter': 'seen',
    });
  });

  it('asks about the domain and the rules that the route gives the filter, in place of its own', async () => {
    expect((await call('/own-rules')).status).toBe(200);
    expect(limits.at(-1)).toEqual({
      domain: 'other',
      descriptors: [{ entries: [{ key: 'generic_key', value: 'own' }] }],
    });
  });

  it('answers 429 RL over the limit', async () => {
    const answer = await call('/over');
    expect([answer.status, answer.headers['x-envoy-ratelimited']]).toEqual([429, 'true']);
    expect(answer.headers['x-refused']).toBe('limiter');
    expect(await logged('/over')).toBe('/over 429 RL request_rate_limited ann');
  });

  it('only marks the answer over a limit that is not enforced', async () => {
    const answer = await call('/over-watched', {}, OPEN);
    expect([answer.status, answer.headers['x-envoy-ratelimited']]).toEqual([200, 'true']);
    expect(answer.headers).not.toHaveProperty('x-refused');
    expect(pod.proxy.admin.stats().get('cluster.shop.ratelimit.open.over_limit')).toBe(1);
  });

  it('refuses without its limiter when told so, else lets pass', async () => {
    expect((await call('/no-limiter')).status).toBe(500);
    expect(await logged('/no-limiter')).toBe('/no-limiter 500 RLSE rate_limiter_error ann');
    expect((await call('/no-limiter-open', {}, OPEN)).status).toBe(200);
    expect(pod.proxy.admin.stats().get('cluster.shop.ratelimit.open.failure_mode_allowed')).toBe(1);
  });
});

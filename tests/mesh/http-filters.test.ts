import { once } from 'node:events';
import { get, type IncomingMessage, type Server } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, type Route, typeUrls } from '#xds';
import { http, router, staticCluster } from './data-plane-config.ts';
import {
  type Answer,
  createTestCa,
  type FetchOptions,
  listen,
  type Pod,
  sendFrom,
  startPod,
} from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';
const IP = `${NET}.1.1`;
const PORT = 8080;
const filter = (name: string, type: string, config: object) => ({
  name: `envoy.filters.http.${name}`,
  typed_config: { '@type': TYPE + type, ...config },
});
const header = (key: string, value: string) => ({ append: { header: { key, value } } });

const FILTERS = [
  filter('compressor', 'compressor.v3.Compressor', {
    response_direction_config: { common_config: { min_content_length: 10 } },
    compressor_library: {
      name: 'text',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip' },
    },
  }),
  filter('csrf', 'csrf.v3.CsrfPolicy', {
    filter_enabled: { default_value: { numerator: 100 } },
    additional_origins: [{ exact: 'friend' }],
  }),
  filter('buffer', 'buffer.v3.Buffer', { max_request_bytes: 8 }),
  filter('header_to_metadata', 'header_to_metadata.v3.Config', {
    request_rules: [
      { header: 'x-version', on_header_present: { metadata_namespace: 'own', key: 'version' }, remove: true },
    ],
  }),
  filter('header_mutation', 'header_mutation.v3.HeaderMutation', {
    mutations: {
      request_mutations: [header('x-version-seen', '%DYNAMIC_METADATA(own:version)%')],
      response_mutations: [header('x-answered', '%RESPONSE_CODE%')],
    },
  }),
  filter('health_check', 'health_check.v3.HealthCheck', {
    pass_through_mode: false,
    headers: [{ name: ':path', string_match: { exact: '/healthz' } }],
  }),
  router,
];

const ROUTES: Route[] = [
  {
    match: { path: '/moved' },
    name: 'moved',
    route: { cluster: 'application', internal_redirect_policy: { redirect_response_codes: [302] } },
  },
  {
    match: { path: '/lost' },
    route: { cluster: 'application', internal_redirect_policy: { redirect_response_codes: [302] } },
    response_headers_to_add: [{ header: { key: 'x-route', value: 'lost' } }],
  } as Route,
  {
    match: { prefix: '/plain' },
    route: { cluster: 'application' },
    typed_per_filter_config: {
      'envoy.filters.http.header_mutation': {
        '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig',
        disabled: true,
      },
    },
  },
  { match: { prefix: '/' }, route: { cluster: 'application' } },
];

const listener = (fields: Record<string, unknown> = {}, port = PORT) => ({
  name: `edge-${port}`,
  address: { socket_address: { address: IP, port_value: port } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: 'edge',
          http_filters: FILTERS,
          route_config: {
            name: 'table',
            virtual_hosts: [
              { name: 'all', domains: ['*'], routes: ROUTES },
              { name: 'nowhere', domains: ['nowhere'], routes: [] },
            ],
          },
          common_http_protocol_options: { headers_with_underscores_action: 'DROP_HEADER' },
          local_reply_config: { body_format: { json_format: { code: '%RESPONSE_CODE%', why: '%LOCAL_REPLY_BODY%' } } },
          ...fields,
        }),
      ],
    },
  ],
});

describe('a gateway with filters that only an EnvoyFilter adds', () => {
  const servers: Server[] = [];
  let pod: Pod;
  const ask = (path: string, options: FetchOptions = {}): Promise<Answer> =>
    sendFrom(`${NET}.1.9`, { ip: IP, port: PORT }, { host: 'shop', path, ...options });

  beforeAll(async () => {
    await listen(servers, `${NET}.2.1`, 8080, (request, response) => {
      if (request.url === '/moved' || request.url === '/lost') {
        response.statusCode = 302;
        response.setHeader('location', request.url === '/lost' ? 'http://nowhere/' : 'http://shop/plain/there');
      }
      response.setHeader('content-type', 'text/plain');
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => response.end(JSON.stringify({ path: request.url, headers: request.headers, body })));
    });
    const signer = await createTestCa();
    pod = await startPod({ ip: IP, name: 'edge', role: 'router', signer }, (xds) => {
      xds.push(typeUrls.cluster, [staticCluster('application', [`${NET}.2.1:8080`])]);
      expect(xds.push(typeUrls.listener, [listener()])).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) server.close();
  });

  const figure = (name: string): number | undefined => pod.proxy.admin.stats().get(`http.edge.${name}`);

  it('changes requests by what earlier filters have found, and answers', async () => {
    const { status, headers, body } = await ask('/a', { headers: { 'x-version': 'v2' } });
    const arrived = JSON.parse(body) as { headers: Record<string, string> };
    expect([status, headers['x-answered'], arrived.headers['x-version-seen'], arrived.headers['x-version']]).toEqual([
      200,
      '200',
      'v2',
      undefined,
    ]);
  });

  it('takes out headers whose names have underscores', async () => {
    const { body } = await ask('/a', { headers: { x_hidden: '1', 'x-plain': '2' } });
    const { headers } = JSON.parse(body) as { headers: Record<string, string> };
    expect([headers['x_hidden'], headers['x-plain']]).toEqual([undefined, '2']);
    expect(pod.proxy.admin.stats().get('http1.dropped_headers_with_underscores')).toBe(1);
  });

  it('leaves a filter out where the route switches it off', async () => {
    expect((await ask('/plain')).headers['x-answered']).toBeUndefined();
  });

  it('refuses a change from a page of another host', async () => {
    const refused = await ask('/a', { method: 'POST', headers: { origin: 'http://evil' } });
    const allowed = await ask('/a', { method: 'POST', headers: { origin: 'http://friend' } });
    expect([refused.status, JSON.parse(refused.body), allowed.status]).toEqual([
      403,
      { code: 403, why: 'Invalid origin' },
      200,
    ]);
    expect([figure('csrf.request_invalid'), figure('csrf.request_valid')]).toEqual([1, 1]);
  });

  it('lets a body go on when it is complete, and answers 413 to one that is too long', async () => {
    const own = { origin: 'http://shop' };
    const fits = await ask('/a', { method: 'POST', headers: own, body: 'hello' });
    expect([fits.status, (JSON.parse(fits.body) as { body: string }).body]).toEqual([200, 'hello']);
    expect((await ask('/a', { method: 'POST', headers: own, body: 'hello world' })).status).toBe(413);
  });

  it('answers who asks whether it is well, and counts no request', async () => {
    const before = figure('downstream_rq_2xx') ?? 0;
    expect((await ask('/healthz')).status).toBe(200);
    expect([figure('health_check.ok'), (figure('downstream_rq_2xx') ?? 0) - before]).toEqual([1, 0]);
  });

  it('compresses what a client takes compressed', async () => {
    const headers = { host: 'shop', 'accept-encoding': 'gzip' };
    const call = get({ host: IP, port: PORT, path: '/plain', headers, agent: false });
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    expect([answer.headers['content-encoding'], answer.headers['vary']]).toEqual(['gzip', 'Accept-Encoding']);
    const bytes = Buffer.concat(await answer.toArray());
    expect(JSON.parse(gunzipSync(bytes).toString())).toMatchObject({ path: '/plain' });
  });

  it('follows a redirect of the host where the route says so', async () => {
    const { status, body } = await ask('/moved');
    const arrived = JSON.parse(body) as { path: string; headers: Record<string, string> };
    expect([status, arrived.path, arrived.headers['x-envoy-original-url']]).toEqual([
      200,
      '/plain/there',
      'http://shop/moved',
    ]);
    const count = pod.proxy.admin.stats().get('cluster.application.upstream_internal_redirect_succeeded_total');
    expect(count).toBe(1);
    // One that leads nowhere is answered by the route that was used.
    const lost = await ask('/lost');
    expect([lost.status, lost.headers['x-route']]).toEqual([302, 'lost']);
  });

  it('knows clients within by their addresses, and changes headers before it reads them', async () => {
    const fields = {
      use_remote_address: true,
      internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
      early_header_mutation_extensions: [
        {
          name: 'early',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
            mutations: [header('x-version', 'early'), { remove: 'x-forwarded-for' }],
          },
        },
      ],
    };
    expect(pod.xds.push(typeUrls.listener, [listener(), listener(fields, PORT + 2)])).toEqual([]);
    const headers = { 'x-forwarded-for': '1.2.3.4', 'x-envoy-original-path': '/own' };
    const asked = { host: 'shop', path: '/a', headers };
    const { body } = await sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 2 }, asked);
    const arrived = JSON.parse(body) as { headers: Record<string, string> };
    expect(arrived.headers).toMatchObject({
      'x-envoy-internal': 'true',
      'x-envoy-original-path': '/own',
      'x-version-seen': 'early',
      'x-forwarded-for': `${NET}.1.9`,
    });
    expect(arrived.headers['x-envoy-external-address']).toBeUndefined();
    const own = { ...asked, headers: { ...headers, 'x-envoy-upstream-alt-stat-name': 'mine' } };
    const counted = await sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 2 }, own);
    expect(counted.body).not.toContain('alt-stat-name');
    expect(pod.proxy.admin.stats().get('cluster.application.mine.internal.upstream_rq_200')).toBe(1);
  });

  it('counts requests under virtual clusters and the routes that have a name for it', async () => {
    const route = { match: { prefix: '/' }, route: { cluster: 'application' }, stat_prefix: 'all' };
    const virtual_clusters = [{ name: 'reads', headers: [{ name: ':method', string_match: { exact: 'GET' } }] }];
    const host = { name: 'shop', domains: ['*'], virtual_clusters, routes: [route] };
    const counted = listener({ http_filters: [router], route_config: { virtual_hosts: [host] } }, PORT + 4);
    expect(pod.xds.push(typeUrls.listener, [listener(), counted])).toEqual([]);
    for (const method of ['GET', 'POST'])
      await sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 4 }, { host: 'shop', method });
    const stats = pod.proxy.admin.stats();
    expect(
      ['route.all.upstream_rq_200', 'vcluster.reads.upstream_rq_total', 'vcluster.other.upstream_rq_2xx'].map((name) =>
        stats.get(`vhost.shop.${name}`),
      ),
    ).toEqual([2, 1, 1]);
  });

  it('keeps a session at its host, by cookie, as long as the host may be used', async () => {
    const hosts = ['3', '4'].map((last) => `${NET}.2.${last}`);
    for (const ip of hosts) await listen(servers, ip, 8080, (_request, response) => response.end(ip));
    const session = filter('stateful_session', 'stateful_session.v3.StatefulSession', {
      session_state: {
        name: 'envoy.http.stateful_session.cookie',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState',
          cookie: { name: 'at', path: '/', ttl: '60s' },
        },
      },
    });
    const route_config = {
      name: 'kept',
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'kept' } }] },
      ],
    };
    const endpoint = (address: string) => ({
      endpoint: { address: { socket_address: { address, port_value: 8080 } } },
    });
    const cluster = (health_status: 'HEALTHY' | 'UNHEALTHY'): Cluster =>
      staticCluster('kept', [], {
        load_assignment: {
          cluster_name: 'kept',
          endpoints: [{ lb_endpoints: [{ ...endpoint(hosts[0]!), health_status }, endpoint(hosts[1]!)] }],
        },
      });
    pod.xds.push(typeUrls.cluster, [staticCluster('application', [`${NET}.2.1:8080`]), cluster('HEALTHY')]);
    const kept = listener({ http_filters: [session, router], route_config }, PORT + 3);
    expect(pod.xds.push(typeUrls.listener, [listener(), kept])).toEqual([]);
    const visit = (cookie?: string): Promise<Answer> =>
      sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 3 }, { host: 'shop', headers: cookie ? { cookie } : {} });
    const begun: Answer[] = [await visit(), await visit()];
    expect(begun.map(({ body }) => body).sort()).toEqual(hosts);
    const first = begun.find(({ body }) => body === hosts[0])!;
    const cookie = String(first.headers['set-cookie']).split(';')[0]!;
    expect(String(first.headers['set-cookie'])).toMatch(/^at="[\w+/=]+"; Max-Age=60; Path=\/; HttpOnly$/);
    const again = await Promise.all(Array.from({ length: 6 }, () => visit(cookie)));
    expect(again.map(({ body, headers }) => [body, headers['set-cookie']])).toEqual(
      Array.from({ length: 6 }, () => [hosts[0], undefined]),
    );
    pod.xds.push(typeUrls.cluster, [staticCluster('application', [`${NET}.2.1:8080`]), cluster('UNHEALTHY')]);
    const moved = await visit(cookie);
    expect([moved.body, moved.headers['set-cookie'] === undefined]).toEqual([hosts[1], false]);
  });

  it('sends a request to the host that it names, and each further try to the next; others are chosen', async () => {
    const hosts = ['5', '6'].map((last) => `${NET}.2.${last}`);
    for (const ip of hosts) await listen(servers, ip, 8080, (_request, response) => response.end(ip));
    const policy = (name: string, type: string, config: object) => ({
      typed_extension_config: {
        name: `envoy.load_balancing_policies.${name}`,
        typed_config: {
          '@type': `type.googleapis.com/envoy.extensions.load_balancing_policies.${name}.v3.${type}`,
          ...config,
        },
      },
    });
    const fallback_policy = { policies: [policy('round_robin', 'RoundRobin', {})] };
    const override = policy('override_host', 'OverrideHost', {
      override_host_sources: [{ header: 'x-to' }],
      fallback_policy,
    });
    const nobody = `${NET}.2.7:8080`;
    const named = staticCluster('named', [`${hosts[0]}:8080`, `${hosts[1]}:8080`, nobody], {
      load_balancing_policy: { policies: [override] },
    } as Partial<Cluster>);
    const retry_policy = { retry_on: 'connect-failure', num_retries: 2 };
    const route_config = {
      name: 'named',
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'named', retry_policy } }],
        },
      ],
    };
    pod.xds.push(typeUrls.cluster, [staticCluster('application', [`${NET}.2.1:8080`]), named]);
    const wishes = listener({ http_filters: [router], route_config }, PORT + 4);
    expect(pod.xds.push(typeUrls.listener, [listener(), wishes])).toEqual([]);
    const visit = async (to: string): Promise<string> =>
      (await sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 4 }, { host: 'shop', headers: { 'x-to': to } })).body;
    for (const ip of [...hosts, ...hosts]) expect(await visit(`${ip}:8080`)).toBe(ip);
    expect(await visit(`1.2.3.4:80, ${nobody},${hosts[1]}:8080`)).toBe(hosts[1]);
    expect(hosts).toContain(await visit('1.2.3.4:80'));
  });

  it('has connections to no more hosts than a breaker lets it have pools', async () => {
    const hosts = ['8', '9'].map((last) => `${NET}.2.${last}`);
    for (const ip of hosts) await listen(servers, ip, 8080, (_request, response) => response.end('served'));
    const one = { thresholds: [{ max_connection_pools: 1 }] };
    const few = staticCluster(
      'few',
      hosts.map((ip) => `${ip}:8080`),
      { lb_policy: 'ROUND_ROBIN', circuit_breakers: one },
    );
    const routes = [{ match: { prefix: '/' }, route: { cluster: 'few' } }];
    const route_config = { name: 'few', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] };
    pod.xds.push(typeUrls.cluster, [staticCluster('application', [`${NET}.2.1:8080`]), few]);
    const limited = listener({ http_filters: [router], route_config }, PORT + 5);
    expect(pod.xds.push(typeUrls.listener, [listener(), limited])).toEqual([]);
    const visits: number[] = [];
    for (let i = 0; i < 4; i++) {
      visits.push((await sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 5 }, { host: 'shop' })).status);
    }
    expect(visits).toEqual([200, 503, 200, 503]);
    const figures = ['upstream_cx_pool_overflow', 'upstream_cx_none_healthy', 'circuit_breakers.default.cx_pool_open'];
    expect(figures.map((name) => pod.proxy.admin.stats().get(`cluster.few.${name}`) ?? 0)).toEqual([2, 0, 1]);
  });

  it('answers of its own have a status for filters; compression says why it was left out; a gone host has its status', async () => {
    const state = 'type.googleapis.com/envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState';
    const own = [
      filter('compressor', 'compressor.v3.Compressor', {
        response_direction_config: { status_header_enabled: true, common_config: { min_content_length: 0 } },
        compressor_library: {
          name: 'text',
          typed_config: { '@type': 'type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip' },
        },
      }),
      filter('rbac', 'rbac.v3.RBAC', { rules: { action: 'LOG' }, rules_stat_prefix: 'own_' }),
      filter('header_to_metadata', 'header_to_metadata.v3.Config', {
        request_rules: [
          { header: 'x-b', on_header_present: { metadata_namespace: 'own', key: 'b', encode: 'BASE64' } },
        ],
      }),
      filter('header_mutation', 'header_mutation.v3.HeaderMutation', {
        mutations: {
          response_mutations: [
            header('x-code', '%RESPONSE_CODE%'),
            header('x-bytes', '%DYNAMIC_METADATA(own:b)%'),
            header('x-rbac', '%DYNAMIC_METADATA(envoy.filters.http.rbac:of_enforced_engine_result)%'),
          ],
        },
      }),
      filter('stateful_session', 'stateful_session.v3.StatefulSession', {
        session_state: {
          name: 'envoy.http.stateful_session.header',
          typed_config: { '@type': state, name: 'x-s' },
        },
        strict: true,
        stat_prefix: 'kept',
        status_on_strict_destination_not_found: 409,
      }),
      router,
    ];
    const rules = { rules: { action: 'ALLOW', policies: {} }, rules_stat_prefix: 'of_' };
    const rbac = { '@type': `${TYPE}rbac.v3.RBACPerRoute`, rbac: { ...rules, rules: { action: 'DENY' } } };
    const routes: Route[] = [
      { match: { prefix: '/direct' }, direct_response: { status: 503, body: { inline_string: 'no' } } },
      {
        match: { prefix: '/' },
        route: { cluster: 'application' },
        typed_per_filter_config: { 'envoy.filters.http.rbac': rbac },
      },
    ];
    const route_config = { name: 'own', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] };
    const fields = { stat_prefix: 'more', http_filters: own, route_config, local_reply_config: {} };
    expect(pod.xds.push(typeUrls.listener, [listener(), listener(fields, PORT + 6)])).toEqual([]);
    const visit = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
      sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 6 }, { host: 'shop', path, headers });
    const direct = await visit('/direct', { 'accept-encoding': 'gzip' });
    expect([direct.headers['x-code'], direct.headers['x-envoy-compression-status']]).toEqual([
      '503',
      'gzip;ContentLengthTooSmall',
    ]);
    expect((await visit('/a')).headers['x-rbac']).toBe('allowed');
    expect((await visit('/direct', { 'x-b': 'dmE' })).headers['x-bytes']).toBe('va');
    expect((await visit('/direct', { 'x-b': 'dh==' })).headers['x-bytes']).toBeUndefined();
    expect((await visit('/a', { 'x-s': 'MTI3LjAuMC4xOjgw' })).status).toBe(409);
    const stats = pod.proxy.admin.stats();
    const figures = ['rbac.own_.allowed', 'stateful_session.kept.failed_closed'];
    expect(figures.map((name) => stats.get(`http.more.${name}`))).toEqual([5, 1]);
  });

  it('limits read queries without escapes, checks mark their answers last, and refusals have the form that was asked for', async () => {
    const bucket = { max_tokens: 1, fill_interval: '3600s' };
    const all = { default_value: { numerator: 100 } };
    const http_filters = [
      filter('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
        stat_prefix: 'limited',
        token_bucket: { ...bucket, max_tokens: 100 },
        filter_enabled: all,
        filter_enforced: all,
        descriptors: [{ entries: [{ key: 'q', value: 'v' }], token_bucket: bucket }],
        rate_limits: [{ actions: [{ query_parameters: { query_parameter_name: 'q', descriptor_key: 'q' } }] }],
      }),
      filter('health_check', 'health_check.v3.HealthCheck', { pass_through_mode: true }),
      filter('stateful_session', 'stateful_session.v3.StatefulSession', { stat_prefix: 'none' }),
      filter('header_mutation', 'header_mutation.v3.HeaderMutation', {
        mutations: {
          request_mutations: [
            {
              append: {
                header: { key: 'content-type', value: 'a/b' },
                append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
              },
            },
          ],
          response_mutations: [{ remove: 'x-envoy-upstream-healthchecked-cluster' }],
        },
      }),
      router,
    ];
    const routes: Route[] = [
      { match: { prefix: '/direct' }, direct_response: { status: 503, body: { inline_string: 'no' } } },
      {
        match: { prefix: '/json' },
        direct_response: {
          status: 403,
          body: { inline_string: 'né' },
          body_format: { json_format: { ü: '%LOCAL_REPLY_BODY%', code: '%RESPONSE_CODE%' } },
        },
        response_headers_to_add: [
          { header: { key: 'content-type', value: 'a/b' }, append_action: 'OVERWRITE_IF_EXISTS' },
          { header: { key: 'x-code', value: '%RESPONSE_CODE%' } },
        ],
      } as Route,
      { match: { prefix: '/' }, route: { cluster: 'application' } },
    ];
    const route_config = { name: 'read', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] };
    const typed = {
      filter: { header_filter: { header: { name: 'x-typed', present_match: true } } },
      headers_to_add: [{ header: { key: 'content-type', value: 'x/y' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
      body_format_override: { json_format: { a: 1 } },
    };
    const fields = { stat_prefix: 'read', http_filters, route_config, local_reply_config: { mappers: [typed] } };
    expect(pod.xds.push(typeUrls.listener, [listener(), listener(fields, PORT + 8)])).toEqual([]);
    const visit = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
      sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 8 }, { host: 'shop', path, headers });
    expect([(await visit('/?q=%76')).status, (await visit('/?q=v')).status]).toEqual([200, 429]);
    expect((await visit('/')).headers['x-envoy-upstream-healthchecked-cluster']).toBeDefined();
    const refused = await visit('/direct', { 'content-type': 'application/grpc' });
    expect([refused.status, refused.headers['grpc-status']]).toEqual([200, '14']);
    expect(pod.proxy.admin.stats().get('http.read.stateful_session.none.no_session')).toBe(2);
    expect((await visit('/direct', { 'x-typed': '1' })).headers['content-type']).toBe('x/y');
    const made = await visit('/json');
    expect([made.headers['content-type'], made.headers['x-code'], JSON.parse(made.body)]).toEqual([
      'application/json',
      '0',
      { ü: 'né', code: 0 },
    ]);
  });

  it('filters change answers from the last on, requests without a cluster have no limits, and what is no call fails one', async () => {
    const all = { default_value: { numerator: 100 } };
    const late = { header: { key: 'x-ratelimit-limit', value: 'late' }, append_action: 'OVERWRITE_IF_EXISTS' };
    const http_filters = [
      filter('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
        stat_prefix: 'back',
        token_bucket: { max_tokens: 100, fill_interval: '3600s' },
        filter_enabled: all,
        filter_enforced: all,
        enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
        descriptors: [{ entries: [{ key: 'k', value: 'b' }], token_bucket: { max_tokens: 1, fill_interval: '3600s' } }],
      }),
      filter('grpc_web', 'grpc_web.v3.GrpcWeb', {}),
      filter('header_mutation', 'header_mutation.v3.HeaderMutation', {
        mutations: { response_mutations: [{ append: late }] },
      }),
      router,
    ];
    const rate_limits = [{ actions: [{ request_headers: { header_name: 'x-k', descriptor_key: 'k' } }] }];
    const routes: Route[] = [{ match: { prefix: '/a' }, route: { cluster: 'application' } }];
    const virtual_hosts = [{ name: 'all', domains: ['*'], rate_limits, routes }];
    const fields = { stat_prefix: 'back', http_filters, route_config: { name: 'back', virtual_hosts } };
    expect(pod.xds.push(typeUrls.listener, [listener(), listener(fields, PORT + 9)])).toEqual([]);
    const visit = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
      sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 9 }, { host: 'shop', path, headers });
    expect((await visit('/a')).headers['x-ratelimit-limit']).toBe('100');
    const statuses = [
      await visit('/a', { 'x-k': 'b' }),
      await visit('/a', { 'x-k': 'b' }),
      await visit('/b', { 'x-k': 'b' }),
    ];
    expect(statuses.map(({ status }) => status)).toEqual([200, 429, 404]);
    const { body, headers } = await visit('/a', { 'content-type': 'application/grpc-web-text' });
    expect([body, headers['content-type'], headers['grpc-status']]).toEqual(['', 'application/grpc-web+proto', '2']);
    expect(headers['grpc-message']).toMatch(/^\{"path":"\/a"/);
  });

  it('a destination among several has filters of its own, before its route, and may switch one off', async () => {
    const abort = (http_status: number) => ({
      '@type': `${TYPE}fault.v3.HTTPFault`,
      abort: { http_status, percentage: { numerator: 100 } },
    });
    const level = (value: string) => ({
      '@type': `${TYPE}header_mutation.v3.HeaderMutationPerRoute`,
      mutations: { response_mutations: [header('x-level', value)] },
    });
    const cors = (origin: string) => ({
      '@type': `${TYPE}cors.v3.CorsPolicy`,
      allow_origin_string_match: [{ exact: origin }],
    });
    const off = { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true };
    const to = (prefix: string, own: object, given: object = {}): Route => {
      const host_rewrite_literal = 'of.share';
      const clusters = [{ name: 'application', weight: 1, typed_per_filter_config: own, host_rewrite_literal }];
      const route = { weighted_clusters: { clusters } };
      const request_headers_to_add = [{ header: { key: 'x-to', value: '%REQ(:AUTHORITY)%' } }];
      return { match: { prefix }, route, request_headers_to_add, typed_per_filter_config: given } as Route;
    };
    const names = { fault: 'envoy.filters.http.fault', mutation: 'envoy.filters.http.header_mutation' };
    const routes = [
      to('/fault', { [names.fault]: abort(418) }, { [names.fault]: abort(503) }),
      to('/off', { [names.fault]: off, [names.mutation]: off }, { [names.fault]: abort(503) }),
      to('/a', { [names.mutation]: level('share'), 'envoy.filters.http.cors': cors('http://s') }),
      to('/b', {}),
    ];
    const table = { [names.mutation]: level('table'), 'envoy.filters.http.cors': cors('http://t') };
    const route_config = {
      name: 'shares',
      typed_per_filter_config: table,
      virtual_hosts: [{ name: 'all', domains: ['*'], routes }],
    };
    const http_filters = [
      filter('cors', 'cors.v3.Cors', {}),
      filter('fault', 'fault.v3.HTTPFault', {}),
      filter('header_mutation', 'header_mutation.v3.HeaderMutation', { most_specific_header_mutations_wins: true }),
      router,
    ];
    expect(pod.xds.push(typeUrls.listener, [listener(), listener({ http_filters, route_config }, PORT + 7)])).toEqual(
      [],
    );
    const visit = async (path: string, origin: string): Promise<unknown[]> => {
      const asked = { host: 'shop', path, headers: { origin } };
      const { status, headers } = await sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 7 }, asked);
      return [status, headers['x-level'], headers['access-control-allow-origin']];
    };
    expect(await visit('/fault', 'http://t')).toEqual([418, 'table', 'http://t']);
    expect(await visit('/off', 'http://t')).toEqual([200, undefined, 'http://t']);
    expect(await visit('/a', 'http://s')).toEqual([200, 'table, share', 'http://s']);
    expect(await visit('/b', 'http://s')).toEqual([200, 'table', undefined]);
    const { body } = await sendFrom(`${NET}.1.9`, { ip: IP, port: PORT + 7 }, { host: 'shop', path: '/b' });
    expect((JSON.parse(body) as { headers: Record<string, string> }).headers).toMatchObject({
      host: 'of.share',
      'x-to': 'of.share',
    });
  });

  it.each([
    ['lua.v3.Lua', 'this proxy runs no Lua code'],
    ['oauth2.v3.OAuth2', 'this proxy signs nobody in'],
    ['ext_proc.v3.ExternalProcessor', 'this proxy hands no messages to other programs'],
    ['grpc_json_transcoder.v3.GrpcJsonTranscoder', 'this proxy turns no gRPC into HTTP of another kind'],
  ])('refuses %s and says why', (type, why) => {
    const http_filters = [filter('other', type, {}), router];
    const refused = pod.xds.push(typeUrls.listener, [listener(), listener({ http_filters }, PORT + 1)]);
    expect(JSON.stringify(refused)).toContain(why);
  });
});

import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HopRecord } from '#domain';
import { type Any, type Listener, type Route, typeUrls } from '#xds';
import { faultFilter, http, router, spokenHttp2, staticCluster } from './data-plane-config.ts';
import { createTestCa, listen, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const PROXY = `${NET}.1.1`;
const PORT = 9000;
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';

const clusters = [
  staticCluster('app', [`${NET}.2.1:8080`]),
  staticCluster('rude', [`${NET}.2.1:8081`]),
  staticCluster('liar', [`${NET}.2.1:8082`]),
  staticCluster('silent', [`${NET}.2.1:8083`]),
  staticCluster('hasty', [`${NET}.2.1:8083`], {
    typed_extension_protocol_options: {
      [OPTIONS]: {
        '@type': `type.googleapis.com/${OPTIONS}`,
        explicit_http_config: { http_protocol_options: {} },
        common_http_protocol_options: { max_stream_duration: '0.05s' },
      },
    },
  }),
  staticCluster('resetting', [`${NET}.2.1:8084`], spokenHttp2),
  staticCluster('dead', [`${NET}.2.1:9`]),
  staticCluster('empty', []),
  staticCluster('full', [`${NET}.2.1:8080`], { circuit_breakers: { thresholds: [{ max_requests: 0 }] } }),
];

const every = { numerator: 100 };
const fault = (config: object): Record<string, Any> => ({
  'envoy.filters.http.fault': { '@type': `${FILTERS}.fault.v3.HTTPFault`, ...config },
});
const to = (name: string, route: object = {}, perFilter?: Record<string, Any>): Route =>
  ({
    name,
    match: { path: `/${name}` },
    route: { cluster: 'app', timeout: '5s', ...route },
    ...(perFilter && { typed_per_filter_config: perFilter }),
  }) as Route;

const routes: Route[] = [
  to('delayed', {}, fault({ delay: { fixed_delay: '0.02s', percentage: every } })),
  to('aborted', {}, fault({ abort: { http_status: 418, percentage: every } })),
  to(
    'limited',
    {},
    {
      'envoy.filters.http.local_ratelimit': {
        '@type': `${FILTERS}.local_ratelimit.v3.LocalRateLimit`,
        stat_prefix: 'own',
        token_bucket: { max_tokens: 1, fill_interval: '3600s' },
        filter_enabled: { default_value: every },
        filter_enforced: { default_value: every },
      },
    },
  ),
  to('uncounted', { rate_limits: [{ actions: [{ generic_key: { descriptor_value: 'all' } }] }] }),
  to(
    'unasked',
    {},
    { 'envoy.filters.http.ext_authz': { '@type': `${FILTERS}.ext_authz.v3.ExtAuthzPerRoute`, check_settings: {} } },
  ),
  to('unknown', { cluster: 'nobody' }),
  to('unreadable'),
  to('empty', { cluster: 'empty' }),
  to('dead', { cluster: 'dead' }),
  to('rude', { cluster: 'rude' }),
  to('resetting', { cluster: 'resetting' }),
  to('full', { cluster: 'full' }),
  to('liar', { cluster: 'liar' }),
  to('slow', { cluster: 'silent', timeout: '0.05s' }),
  to('hasty', { cluster: 'hasty', timeout: '0s' }),
  to('idle', { cluster: 'silent', timeout: '0s', idle_timeout: '0.05s' }),
  to('gone', { cluster: 'silent', timeout: '0s' }),
  to('again', {
    cluster: 'rude',
    retry_policy: { retry_on: 'reset', num_retries: 2, retry_back_off: { base_interval: '0.001s' } },
  }),
  {
    ...to('waiting', {
      cluster: 'rude',
      retry_policy: { retry_on: 'reset', num_retries: 1, retry_back_off: { base_interval: '3600s' } },
    }),
    per_request_buffer_limit_bytes: 8,
  },
];

const listener: Listener = {
  name: 'flags',
  address: { socket_address: { address: PROXY, port_value: PORT } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: 'flags',
          // What clients ask for by headers counts.
          use_remote_address: true,
          internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
          http_filters: [
            {
              name: 'envoy.filters.http.ext_authz',
              typed_config: {
                '@type': `${FILTERS}.ext_authz.v3.ExtAuthz`,
                http_service: { server_uri: { uri: 'http://dead', cluster: 'dead', timeout: '1s' } },
              },
            },
            faultFilter,
            {
              name: 'envoy.filters.http.local_ratelimit',
              typed_config: { '@type': `${FILTERS}.local_ratelimit.v3.LocalRateLimit`, stat_prefix: 'common' },
            },
            {
              name: 'envoy.filters.http.ratelimit',
              typed_config: {
                '@type': `${FILTERS}.ratelimit.v3.RateLimit`,
                domain: 'flags',
                failure_mode_deny: true,
                timeout: '1s',
                rate_limit_service: {
                  transport_api_version: 'V3',
                  grpc_service: { envoy_grpc: { cluster_name: 'dead' } },
                },
              },
            },
            {
              ...router,
              typed_config: { ...router.typed_config, strict_check_headers: ['x-envoy-upstream-rq-timeout-ms'] },
            },
          ],
          route_config: {
            name: 'flags',
            validate_clusters: false,
            virtual_hosts: [
              {
                name: 'all',
                domains: ['*'],
                routes,
                typed_per_filter_config: {
                  'envoy.filters.http.ext_authz': {
                    '@type': `${FILTERS}.ext_authz.v3.ExtAuthzPerRoute`,
                    disabled: true,
                  },
                },
              },
            ],
          },
        }),
      ],
    },
  ],
};

interface Row {
  readonly path: string;
  readonly flags: readonly string[];
  readonly status: number;
  readonly body: string;
  readonly details: string;
  /** A statistic that the request moves by one. */
  readonly counts: string;
  /** The step of the trace that says what happened. */
  readonly step: readonly [stage: string, outcome: string];
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers of the request. */
  readonly asks?: Readonly<Record<string, string>>;
}

const reset = (reason: string): Pick<Row, 'status' | 'body' | 'details'> => ({
  status: 503,
  body: `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`,
  details: `upstream_reset_before_response_started{${reason.replaceAll(' ', '_')}}`,
});
const refused = 'remote_connection_failure|delayed_connect_error:_Connection_refused';

/** As a real Envoy answers: the pairs in tests/envoy compare each of these. */
const ROWS: readonly Row[] = [
  {
    path: '/delayed',
    flags: ['DI'],
    status: 200,
    body: 'app',
    details: 'via_upstream',
    counts: 'http.flags.fault.delays_injected',
    step: ['http_filter', 'applied'],
  },
  {
    path: '/aborted',
    flags: ['FI'],
    status: 418,
    body: 'fault filter abort',
    details: 'fault_filter_abort',
    counts: 'http.flags.fault.aborts_injected',
    step: ['http_filter', 'applied'],
  },
  {
    path: '/limited',
    flags: ['RL'],
    status: 429,
    body: 'local_rate_limited',
    details: 'local_rate_limited',
    counts: 'own.http_local_rate_limit.enforced',
    step: ['http_filter', 'stopped'],
  },
  {
    path: '/uncounted',
    flags: ['RLSE'],
    status: 500,
    body: '',
    details: 'rate_limiter_error',
    counts: 'cluster.app.ratelimit.error',
    step: ['http_filter', 'stopped'],
  },
  {
    path: '/unasked',
    flags: ['UAEX'],
    status: 403,
    body: '',
    details: 'ext_authz_error',
    counts: 'http.flags.ext_authz.error',
    step: ['http_filter', 'stopped'],
  },
  {
    path: '/nowhere',
    flags: ['NR'],
    status: 404,
    body: '',
    details: 'route_not_found',
    counts: 'http.flags.no_route',
    step: ['route', 'stopped'],
  },
  {
    path: '/unknown',
    flags: ['NC'],
    status: 503,
    body: '',
    details: 'cluster_not_found',
    counts: 'http.flags.no_cluster',
    step: ['cluster', 'stopped'],
  },
  {
    path: '/unreadable',
    flags: ['IH'],
    status: 400,
    body: "invalid header 'x-envoy-upstream-rq-timeout-ms' with value 'soon'",
    details: 'request_headers_failed_strict_check{x-envoy-upstream-rq-timeout-ms}',
    counts: 'http.flags.downstream_rq_4xx',
    step: ['http_filter', 'stopped'],
    asks: { 'x-envoy-upstream-rq-timeout-ms': 'soon' },
  },
  {
    path: '/empty',
    flags: ['UH'],
    status: 503,
    body: 'no healthy upstream',
    details: 'no_healthy_upstream',
    counts: 'cluster.empty.upstream_cx_none_healthy',
    step: ['endpoint', 'stopped'],
  },
  {
    path: '/dead',
    flags: ['UF'],
    ...reset('remote connection failure'),
    details: `upstream_reset_before_response_started{${refused}}`,
    counts: 'cluster.dead.upstream_rq_pending_failure_eject',
    step: ['attempt', 'stopped'],
  },
  {
    path: '/rude',
    flags: ['UC'],
    ...reset('connection termination'),
    counts: 'cluster.rude.upstream_cx_destroy_remote_with_active_rq',
    step: ['attempt', 'stopped'],
  },
  {
    path: '/resetting',
    flags: ['UR'],
    ...reset('remote reset'),
    counts: 'cluster.resetting.upstream_rq_rx_reset',
    step: ['attempt', 'stopped'],
  },
  {
    path: '/full',
    flags: ['UO'],
    ...reset('overflow'),
    counts: 'cluster.full.upstream_rq_active_overflow',
    step: ['pool', 'stopped'],
    headers: { 'x-envoy-overloaded': 'true' },
  },
  {
    path: '/liar',
    flags: ['UPE'],
    ...reset('protocol error'),
    status: 502,
    counts: 'cluster.liar.upstream_cx_protocol_error',
    step: ['attempt', 'stopped'],
  },
  {
    path: '/slow',
    flags: ['UT'],
    status: 504,
    body: 'upstream request timeout',
    details: 'response_timeout',
    counts: 'cluster.silent.upstream_rq_timeout',
    step: ['attempt', 'stopped'],
  },
  {
    path: '/hasty',
    flags: ['UMSDR'],
    status: 504,
    body: 'upstream max stream duration reached',
    details: 'upstream_max_stream_duration_reached',
    counts: 'cluster.hasty.upstream_rq_max_duration_reached',
    step: ['attempt', 'stopped'],
  },
  {
    path: '/idle',
    flags: ['SI'],
    status: 504,
    body: 'stream timeout',
    details: 'stream_idle_timeout',
    counts: 'http.flags.downstream_rq_idle_timeout',
    step: ['endpoint', 'chosen'],
  },
  {
    path: '/again',
    flags: ['URX', 'UC'],
    ...reset('connection termination'),
    body: 'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection termination',
    counts: 'cluster.rude.upstream_rq_retry_limit_exceeded',
    step: ['attempt', 'stopped'],
  },
];

describe('what a request that fails looks like', () => {
  const servers: Server[] = [];
  const others: { close(): void }[] = [];
  const open = new Set<Socket>();
  let pod: Pod;

  const call = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    sendFrom(`${NET}.1.9`, { ip: PROXY, port: PORT }, { host: 'shop', path, headers });
  const hopsOf = (path: string): HopRecord[] => pod.hops.filter((hop) => hop.request.path === path);
  const stat = (name: string): number => pod.proxy.admin.stats().get(name) ?? 0;
  const raw = (bytes: string): Socket => {
    const socket = connect({ host: PROXY, port: PORT, localAddress: `${NET}.1.9` }, () => socket.write(bytes));
    socket.on('error', () => undefined);
    return socket;
  };
  const serve = async (port: number, onSocket: (socket: Socket) => void): Promise<void> => {
    const server = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined);
      onSocket(socket);
    });
    others.push(server);
    await once(server.listen(port, `${NET}.2.1`), 'listening');
  };

  beforeAll(async () => {
    await listen(servers, `${NET}.2.1`, 8080, (_request, response) => void response.end('app'));
    await serve(8081, (socket) => socket.once('data', () => socket.end()));
    await serve(8082, (socket) => socket.once('data', () => socket.end('no HTTP at all\r\n\r\n')));
    await serve(8083, (socket) => void socket.resume());
    const resetting = createHttp2Server((_request, response) => response.stream.close(2));
    resetting.on('connection', (socket: Socket) => open.add(socket));
    others.push(resetting);
    await once(resetting.listen(8084, `${NET}.2.1`), 'listening');
    const problems: unknown[] = [];
    pod = await startPod({ ip: PROXY, name: 'flags', role: 'router', signer: await createTestCa() }, (xds) => {
      problems.push(...xds.push(typeUrls.cluster, clusters), ...xds.push(typeUrls.listener, [listener]));
    });
    expect(problems).toEqual([]);
    // The one token that there is.
    expect((await call('/limited')).status).toBe(200);
  });

  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    for (const socket of open) socket.destroy();
    for (const server of others) server.close();
  });

  it.each(ROWS.map((row) => [row.flags.join(','), row.path, row] as const))('%s: %s', async (_flags, path, row) => {
    const before = { counted: stat(row.counts), hops: hopsOf(path).length, logged: pod.logs.length };
    const answer = await call(path, row.asks);
    expect([answer.status, answer.body]).toEqual([row.status, row.body]);
    expect(answer.headers).toMatchObject({ server: 'envoy', ...row.headers });
    await until(() => hopsOf(path).length > before.hops, `a hop for ${path}`);
    const hop = hopsOf(path).at(-1)!;
    expect(hop.response).toMatchObject({ status: row.status, flags: row.flags, details: row.details });
    expect(pod.logs.slice(before.logged).join('')).toContain(` ${row.status} ${row.flags.join(',')} ${row.details} `);
    expect(stat(row.counts) - before.counted).toBe(1);
    expect(hop.steps.map(({ stage, outcome }) => `${stage} ${outcome}`)).toContain(row.step.join(' '));
  });

  it('DC: a client that leaves before its answer', async () => {
    const client = raw('GET /gone HTTP/1.1\r\nHost: shop\r\n\r\n');
    await until(() => stat('cluster.silent.upstream_rq_active') > 0, 'the request is under way');
    client.destroy();
    await until(() => hopsOf('/gone').length > 0, 'a hop for /gone');
    expect(hopsOf('/gone')[0]?.response).toMatchObject({
      status: 0,
      flags: ['DC'],
      details: 'downstream_remote_disconnect',
    });
    expect(stat('http.flags.downstream_cx_destroy_remote_active_rq')).toBe(1);
  });

  it('no flag: a body that outgrows what is kept for a try that is waited for', async () => {
    const before = stat('cluster.rude.upstream_cx_destroy');
    const client = raw('POST /waiting HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nabc');
    await until(() => stat('cluster.rude.upstream_cx_destroy') > before, 'the first try is over');
    client.write('more than is kept');
    const [answer] = (await once(client, 'data')) as [Buffer];
    client.destroy();
    expect(answer.toString()).toMatch(
      /^HTTP\/1\.1 507 [\s\S]*\r\n\r\nexceeded request buffer limit while retrying upstream$/,
    );
    await until(() => hopsOf('/waiting').length > 0, 'a hop for /waiting');
    const details = 'request_payload_exceeded_retry_buffer_limit';
    expect(hopsOf('/waiting')[0]?.response).toMatchObject({ status: 507, flags: [], details });
    expect([stat('cluster.rude.retry_or_shadow_abandoned'), stat('http.flags.downstream_rq_5xx') > 0]).toEqual([
      1,
      true,
    ]);
  });

  it('no flag: a request without Host, whose line tells what was asked for', async () => {
    const client = raw('GET /hostless HTTP/1.1\r\nConnection: close\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    await until(() => hopsOf('/hostless').length > 0, 'a hop for /hostless');
    expect(hopsOf('/hostless')[0]?.response).toMatchObject({ status: 400, flags: [], details: 'missing_host_header' });
    expect(pod.logs.join('')).toContain('"GET /hostless HTTP/1.1" 400 - missing_host_header ');
  });

  it('DPE: a client that sends no HTTP', async () => {
    const before = stat('http.flags.downstream_cx_protocol_error');
    const client = raw('GET / HTTP/1.1\r\nHost: shop\r\nContent-Length: x\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    client.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*connection: close\r\n/);
    await until(() => pod.logs.some((line) => line.includes(' 400 DPE http1.codec_error ')), 'its line in the log');
    expect(stat('http.flags.downstream_cx_protocol_error') - before).toBe(1);
  });
});

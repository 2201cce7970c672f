import type { Server as HttpServer } from 'node:http';
import { connect, createServer, type Server as TcpServer } from 'node:net';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, type ClusterLoadAssignment, type LbEndpoint, type Route, typeUrls } from '#xds';
import {
  edsCluster,
  endpoints,
  forwardTo,
  outboundListener,
  routes,
  standardClusters,
  virtualOutbound,
} from './data-plane-config.ts';
import { type Answer, createTestCa, listen, type Pod, send, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const VIP = { ip: `${NET}.9.9`, port: 80 };
const SERVICE = { ip: `${NET}.2.1`, port: 8080 };
const GRPC = { ip: `${NET}.2.2`, port: 9090 };
const TCP = { ip: `${NET}.2.3`, port: 7070 };

const check = (kind: Record<string, unknown>): Partial<Cluster> =>
  ({
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    health_checks: [
      {
        timeout: '1s',
        interval: '0.02s',
        no_traffic_interval: '0.02s',
        unhealthy_threshold: 2,
        healthy_threshold: 2,
        event_log_path: '/dev/stdout',
        ...kind,
      },
    ],
  }) as Partial<Cluster>;

/** PROXY protocol of version 2: a connection of the proxy's own. */
const LOCAL_HEADER = '\r\n\r\n\0\r\nQUIT\n \0\0\0';

const at = ({ ip, port }: { ip: string; port: number }): string => `${ip}:${port}`;
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const overHttp2: Partial<Cluster> = {
  typed_extension_protocol_options: {
    [OPTIONS]: {
      '@type': `type.googleapis.com/${OPTIONS}`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};
/** Endpoints with a name of their own, and one for their checks where `check` is told. */
const withNames = (cluster: string, hostname: string, check?: string): ClusterLoadAssignment => ({
  cluster_name: cluster,
  endpoints: [
    {
      lb_endpoints: [
        {
          endpoint: {
            address: { socket_address: { address: SERVICE.ip, port_value: SERVICE.port } },
            hostname,
            ...(check !== undefined && { health_check_config: { hostname: check } }),
          },
        } as LbEndpoint,
      ],
    },
  ],
});
const highBreaker = { thresholds: [{ priority: 'HIGH', max_requests: 0 }] } as NonNullable<Cluster['circuit_breakers']>;
const clusters: Cluster[] = [
  ...standardClusters,
  edsCluster('http', check({ http_health_check: { path: '/healthz', expected_statuses: [{ start: 200, end: 205 }] } })),
  edsCluster('named', check({ http_health_check: { path: '/named', host: 'of.the.check' } })),
  edsCluster('unnamed', { ...check({ http_health_check: { path: '/unnamed' } }), alt_stat_name: 'unnamed;' }),
  edsCluster('grpc', { ...check({ grpc_health_check: { service_name: 'shop' } }), ...overHttp2 }),
  edsCluster(
    'tcp',
    check({ timeout: '0.3s', tcp_health_check: { send: { text: '70696e67' }, receive: [{ text: '706f6e67' }] } }),
  ),
  edsCluster(
    'told',
    check({ tcp_health_check: { proxy_protocol_config: { version: 'V2' }, receive: [{ text: '706f6e67' }] } }),
  ),
  edsCluster('plain', { circuit_breakers: highBreaker }),
];
const path = (prefix: string, route: Route): Route => ({ ...route, name: prefix, match: { prefix } });

describe('health checks and breakers of a sidecar, over real sockets', () => {
  const servers: HttpServer[] = [];
  const grpc = new GrpcServer();
  let tcp: TcpServer;
  let pod: Pod;
  /** What each kind of host says of itself. */
  const well = { http: 204, grpc: 1, tcp: 'pong' };
  const asked: string[] = [];

  const call = (to: string): Promise<Answer> => pod.fetch(VIP, { host: 'shop', path: to });
  const stat = (name: string): number => pod.proxy.admin.stats().get(name) ?? 0;
  const page = async (): Promise<string> =>
    (
      await send(
        { path: '/clusters' },
        () => connect({ host: pod.ip, port: 15000, localAddress: pod.ip }),
        `${pod.ip}:15000`,
      )
    ).body;
  const healthy = (cluster: string, hosts: number): Promise<void> =>
    until(() => stat(`cluster.${cluster}.membership_healthy`) === hosts, `${cluster} has ${hosts} healthy hosts`);

  beforeAll(async () => {
    await listen(servers, SERVICE.ip, SERVICE.port, (request, response) => {
      if (request.url?.endsWith('named')) asked.push(`${request.headers.host} ${request.url}`);
      if (request.url === '/healthz') {
        asked.push(String(request.headers['user-agent']));
        response.statusCode = well.http;
      }
      response.end('shop');
    });
    const same = (bytes: Buffer): Buffer => bytes;
    grpc.addService(
      {
        check: {
          path: '/grpc.health.v1.Health/Check',
          requestStream: false,
          responseStream: false,
          requestSerialize: same,
          requestDeserialize: same,
          responseSerialize: same,
          responseDeserialize: same,
        },
      },
      {
        check: (given: { request: Buffer }, reply: (error: null, answer: Buffer) => void) => {
          asked.push(given.request.subarray(2).toString());
          reply(null, Buffer.from([8, well.grpc]));
        },
      },
    );
    await new Promise<void>((resolve, reject) =>
      grpc.bindAsync(at(GRPC), ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
    );
    tcp = createServer((socket) => {
      socket.on('data', (chunk) => {
        asked.push(chunk.toString('latin1'));
        socket.write(well.tcp);
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => tcp.listen(TCP.port, TCP.ip, resolve));
    pod = await startPod({ ip: `${NET}.1.1`, name: 'client-v1', signer: await createTestCa() }, (xds) => {
      xds.push(typeUrls.cluster, clusters);
      xds.push(typeUrls.endpoint, [
        endpoints('http', [at(SERVICE)]),
        endpoints('grpc', [at(GRPC)]),
        endpoints('tcp', [at(TCP)]),
        endpoints('told', [at(TCP)]),
        withNames('named', 'of.the.endpoint', 'of.its.check'),
        withNames('unnamed', 'of.the.endpoint'),
        endpoints('plain', [at(SERVICE)]),
      ]);
      xds.push(typeUrls.listener, [virtualOutbound, outboundListener(80)]);
      xds.push(typeUrls.route, [
        routes(
          80,
          ['shop'],
          [
            path('/http', forwardTo('http')),
            path('/grpc', forwardTo('grpc')),
            path('/tcp', forwardTo('tcp')),
            path('/high', forwardTo('plain', { priority: 'HIGH' })),
            path('/plain', forwardTo('plain')),
          ],
        ),
      ]);
    });
  });

  afterAll(async () => {
    await pod?.stop();
    grpc.forceShutdown();
    tcp?.close();
    for (const server of servers) server.close();
  });

  it('calls a host healthy after its first check', async () => {
    for (const cluster of ['http', 'named', 'unnamed', 'grpc', 'tcp', 'told']) await healthy(cluster, 1);
    expect((await call('/http')).body).toBe('shop');
    expect(asked).toEqual(expect.arrayContaining(['Envoy/HC', 'shop', 'ping', LOCAL_HEADER]));
    // The name of an endpoint's check stands before that of the policy, and the endpoint's own name is none of a check.
    expect(asked).toEqual(expect.arrayContaining(['of.its.check /named', 'unnamed /unnamed']));
  });

  it('answers 503 UH when an HTTP check fails, says why in /clusters, and takes the host back', async () => {
    well.http = 500;
    await healthy('http', 0);
    const answer = await call('/http');
    expect([answer.status, answer.body]).toEqual([503, 'no healthy upstream']);
    await until(
      () => pod.hops.some(({ request, response }) => request.path === '/http' && response?.status === 503),
      '',
    );
    expect(pod.logs.some((line) => line.includes('503 UH no_healthy_upstream'))).toBe(true);
    expect(await page()).toContain(`http::${at(SERVICE)}::health_flags::/failed_active_hc`);
    // A wrong status counts at once; the threshold is for hosts that cannot be reached.
    expect(stat('cluster.http.health_check.failure')).toBeGreaterThanOrEqual(1);
    expect(pod.logs.some((line) => line.includes('"eject_unhealthy_event"'))).toBe(true);
    well.http = 204;
    await healthy('http', 1);
    // The balancer hears of a change within a second of the last one when that second is over.
    await expect.poll(async () => (await call('/http')).status, { timeout: 5000 }).toBe(200);
    expect(await page()).toContain(`http::${at(SERVICE)}::health_flags::healthy`);
    // Clusters bear the name of their figures there, too.
    expect(await page()).toContain('unnamed::observability_name::unnamed;\n');
    expect(pod.logs.some((line) => line.includes('"add_healthy_event"'))).toBe(true);
  });

  it('hears NOT_SERVING from a server of grpc-js', async () => {
    well.grpc = 2;
    await healthy('grpc', 0);
    expect((await call('/grpc')).status).toBe(503);
    well.grpc = 1;
    await healthy('grpc', 1);
  });

  it('compares the bytes that a TCP host answers', async () => {
    well.tcp = 'what';
    await healthy('tcp', 0);
    well.tcp = 'pong';
    await healthy('tcp', 1);
    expect(stat('cluster.tcp.health_check.success')).toBeGreaterThanOrEqual(3);
  });

  it('breaks by the limits of the priority HIGH only on routes of that priority', async () => {
    expect((await call('/plain')).status).toBe(200);
    const answer = await call('/high');
    expect([answer.status, answer.headers['x-envoy-overloaded']]).toEqual([503, 'true']);
    expect(stat('cluster.plain.upstream_rq_active_overflow')).toBe(1);
    // As in Envoy: a breaker that lets nothing through would open with its first use, which never comes.
    expect(stat('cluster.plain.circuit_breakers.high.rq_open')).toBe(0);
    expect(stat('cluster.plain.circuit_breakers.default.rq_open')).toBe(0);
  });
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Listener, typeUrls } from '#xds';
import { StepSampler } from '../../server/data-plane/decisions/hop-steps.ts';
import type { CertificateSigner } from '../../server/data-plane/doors.ts';
import {
  clientTls,
  edsCluster,
  endpoints,
  forwardTo,
  http,
  inboundCluster,
  outboundListener,
  routes,
  standardClusters,
  virtualInbound,
  virtualOutbound,
} from './data-plane-config.ts';
import { createTestCa, type FakeXds, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const UNTRACED = { tracing: { random_sampling: { value: 0 } } };

const REVIEWS = 'outbound|9080||reviews.default.svc.cluster.local';
const PEER = 'spiffe://cluster.local/ns/default/sa/reviews';

let signer: CertificateSigner;
beforeAll(async () => {
  signer = await createTestCa();
});

/** More than all buffers between an application and a client hold. */
const LARGE_BYTES = 40_000_000;
/** So many of them have left the application. */
let piecesSent = 0;

function* pieces(): Generator<Buffer> {
  const piece = Buffer.alloc(100_000);
  for (piecesSent = 0; piecesSent * piece.length < LARGE_BYTES; piecesSent++) yield piece;
}

/** Lets each request to `/held` have its answer. */
const held: (() => void)[] = [];

const serve = async (ip: string, mode: 'STRICT' | 'PERMISSIVE', fields = {}): Promise<Pod> => {
  const pod = await startPod({ ip, name: 'reviews-v1', ports: [9080], signer }, (xds) => {
    xds.push(typeUrls.cluster, [...standardClusters, inboundCluster(9080)]);
    xds.push(typeUrls.listener, [virtualOutbound, virtualInbound(9080, mode, fields)]);
  });
  await pod.app(9080, (request, response) => {
    if (request.url === '/fails') response.statusCode = 500;
    const reply = (): void => void response.end(JSON.stringify(request.headers));
    if (request.url === '/held') held.push(reply);
    else if (request.url === '/large') Readable.from(pieces()).pipe(response);
    else reply();
  });
  return pod;
};

const toReviews = (serverIp: string, peer = PEER) =>
  [
    edsCluster(REVIEWS, {
      transport_socket_matches: [
        { name: 'mtls', match: { tlsMode: 'istio' }, transport_socket: clientTls(peer, 'outbound_.9080_._.reviews') },
      ],
    }),
    endpoints(REVIEWS, [`${serverIp}:9080`], true),
  ] as const;

const gatewayListener: Listener = {
  name: '0.0.0.0_8080',
  address: { socket_address: { address: '0.0.0.0', port_value: 8080 } },
  traffic_direction: 'OUTBOUND',
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: 'outbound_0.0.0.0_8080',
          rds: { config_source: { ads: {} }, route_config_name: 'http.8080' },
          use_remote_address: true,
          server_name: 'istio-envoy',
          forward_client_cert_details: 'SANITIZE_SET',
          ...UNTRACED,
        }),
      ],
    },
  ],
};

describe('the server side of a sidecar', () => {
  let server: Pod;
  beforeAll(async () => {
    server = await serve(`${NET}.1.2`, 'PERMISSIVE');
  });
  afterAll(() => server?.stop());

  it('takes plaintext and mTLS on a PERMISSIVE port, and proves only the second', async () => {
    const plain = await sendFrom(`${NET}.1.9`, { ip: `${NET}.1.2`, port: 9080 });
    expect([plain.status, plain.headers['server']]).toEqual([200, 'istio-envoy']);
    expect(JSON.parse(plain.body)).not.toHaveProperty('x-forwarded-client-cert');
    await until(() => server.hops.length === 1, 'the hop is recorded');
    expect(server.hops[0]).toMatchObject({ mtls: false, direction: 'inbound', cluster: 'inbound|9080||' });
  });

  it('is ready on 15021, and shows its state on 15000 without a key', async () => {
    const get = (port: number, path: string) => sendFrom(`${NET}.1.9`, { ip: `${NET}.1.2`, port }, { path });
    expect((await get(15021, '/healthz/ready')).status).toBe(200);
    const dump = (await get(15000, '/config_dump')).body;
    expect(dump).toContain('virtualInbound');
    expect(dump).not.toContain('PRIVATE KEY');
    expect(JSON.parse((await get(15000, '/certs')).body).certificates[0].cert_chain[0].subject_alt_names).toEqual([
      { uri: PEER },
    ]);
    expect((await get(15000, '/help')).body).toContain('/stats/prometheus');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const form = { method: 'POST', headers, body: 'level=debug' };
    expect(await (await fetch(`http://${server.ip}:15000/logging`, form)).text()).toContain('  admin: debug\n');
    const metrics = (await get(15090, '/stats/prometheus')).body;
    expect(metrics).toMatch(
      /istio_requests_total\{reporter="destination",.*response_code="200".*connection_security_policy="none"\} 1/,
    );
    expect(metrics).toMatch(/envoy_cluster_upstream_rq_total\{cluster_name="inbound\|9080\|\|"\} 1/);
  });

  it('holds a large answer back while the client does not read, and goes on when it does', async () => {
    const client = connect({ host: `${NET}.1.2`, port: 9080, localAddress: `${NET}.1.9` });
    client.pause().write('GET /large HTTP/1.1\r\nHost: reviews\r\nConnection: close\r\n\r\n');
    let before = 0;
    let still = 0;
    await until(() => {
      still = piecesSent === before ? still + 1 : 0;
      before = piecesSent;
      return before > 0 && still > 20;
    }, 'the application has to wait');
    expect(before * 100_000).toBeLessThan(LARGE_BYTES);
    let received = 0;
    client.on('data', (chunk) => {
      received += chunk.length;
    });
    client.resume();
    await once(client, 'close');
    expect(received).toBeGreaterThan(LARGE_BYTES);
  });

  it('refuses a server that is not the workload it expects', async () => {
    const client = await startPod({ ip: `${NET}.1.3`, name: 'wary-v1', signer }, (xds: FakeXds) => {
      const [cluster, assignment] = toReviews(`${NET}.1.2`, 'spiffe://cluster.local/ns/default/sa/somebody-else');
      xds.push(typeUrls.cluster, [...standardClusters, cluster]);
      xds.push(typeUrls.endpoint, [assignment]);
      xds.push(typeUrls.listener, [virtualOutbound, outboundListener(9080)]);
      xds.push(typeUrls.route, [routes(9080, ['*'], [forwardTo(REVIEWS)])]);
    });
    const answer = await client.fetch({ ip: `${NET}.9.9`, port: 9080 });
    expect(answer.status).toBe(503);
    // The reason stands in the access log; the body keeps it from strangers.
    expect(answer.body).not.toContain('CERTIFICATE');
    await until(() => client.hops.length === 1, 'the hop is reported');
    expect(client.hops[0]?.accessLog).toContain('CERTIFICATE_VERIFY_FAILED');
    await client.stop();
  });
});

describe('a gateway', () => {
  let server: Pod;
  let gateway: Pod;
  beforeAll(async () => {
    server = await serve(`${NET}.2.2`, 'STRICT', UNTRACED);
    gateway = await startPod({ ip: `${NET}.2.1`, name: 'istio-ingressgateway', role: 'router', signer }, (xds) => {
      const [cluster, assignment] = toReviews(`${NET}.2.2`);
      xds.push(typeUrls.cluster, [...standardClusters, cluster]);
      xds.push(typeUrls.endpoint, [assignment]);
      xds.push(typeUrls.listener, [gatewayListener]);
      xds.push(typeUrls.route, [{ ...routes(8080, ['shop.example.com'], [forwardTo(REVIEWS)]), name: 'http.8080' }]);
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await server?.stop();
  });

  it('lets strangers in on its port, as strangers, and speaks mTLS behind it', async () => {
    const answer = await sendFrom(
      `${NET}.2.9`,
      { ip: `${NET}.2.1`, port: 8080 },
      {
        host: 'shop.example.com',
        headers: { 'x-request-id': 'mine', 'x-envoy-retry-on': '5xx', 'x-forwarded-client-cert': 'By=me' },
      },
    );
    expect([answer.status, answer.headers['server']]).toEqual([200, 'istio-envoy']);
    const seen = JSON.parse(answer.body) as Record<string, string>;
    expect(seen['x-request-id']).not.toBe('mine');
    expect(seen['x-forwarded-for']).toBe(`${NET}.2.9`);
    expect(seen['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/default/sa/istio');
    expect(answer.headers).not.toHaveProperty('x-envoy-peer-metadata');
    await until(() => gateway.hops.length === 1 && server.hops.length === 1, 'both report');
    expect(gateway.hops[0]).toMatchObject({ proxy: { role: 'gateway' }, mtls: true });
    expect(server.hops[0]?.parentSpanId).toBe(gateway.hops[0]?.spanId);
  });

  it('writes no trace headers while it is busy; what failed is found as one trace all the same', async () => {
    vi.spyOn(StepSampler.prototype, 'next').mockReturnValue(false);
    vi.spyOn(StepSampler.prototype, 'busy', 'get').mockReturnValue(true);
    const before = [gateway.hops.length, server.hops.length] as const;
    const to = { ip: `${NET}.2.1`, port: 8080 };
    const answer = await sendFrom(`${NET}.2.9`, to, { host: 'shop.example.com', path: '/fails' });
    await until(() => gateway.hops.length > before[0] && server.hops.length > before[1], 'both report');
    const headers = JSON.parse(answer.body) as Record<string, string>;
    expect(Object.keys(headers).filter((name) => /^x-b3-|^b3$|^traceparent$/.test(name))).toEqual([]);
    const [call, served] = [gateway.hops.at(-1), server.hops.at(-1)];
    const traceId = headers['x-request-id']?.replaceAll('-', '');
    expect(call).toMatchObject({ traceId, response: { status: 500 } });
    expect(call?.parentSpanId).toBeUndefined();
    expect(served).toMatchObject({ traceId, parentSpanId: call?.spanId, response: { status: 500 } });
    expect(served?.spanId).not.toBe(call?.spanId);
    vi.spyOn(StepSampler, 'keepsTrace').mockReturnValue(true);
    const kept = JSON.parse((await sendFrom(`${NET}.2.9`, to, { host: 'shop.example.com' })).body);
    expect(kept['x-b3-traceid']).toBe(kept['x-request-id'].replaceAll('-', ''));
    await until(() => server.hops.length > before[1] + 1, 'what is kept is reported');
    expect(server.hops.at(-1)?.parentSpanId).toBe(gateway.hops.at(-1)?.spanId);
    vi.restoreAllMocks();
    await sendFrom(`${NET}.2.9`, to, { host: 'shop.example.com' });
    await until(() => server.hops.length > before[1] + 2, 'the next is reported');
    expect(server.hops.at(-1)?.parentSpanId).toBe(gateway.hops.at(-1)?.spanId);
  });

  it('notes the decisions about every request while it is busy and somebody looks; what failed is recorded with them', async () => {
    vi.spyOn(StepSampler.prototype, 'next').mockReturnValue(false);
    vi.spyOn(StepSampler.prototype, 'busy', 'get').mockReturnValue(true);
    const before = gateway.hops.length;
    const to = { ip: `${NET}.2.1`, port: 8080 };
    gateway.fleeting.wanted = true;
    await sendFrom(`${NET}.2.9`, to, { host: 'shop.example.com', path: '/one' });
    await until(() => gateway.fleeting.held.length === 1, 'it waits');
    const [held] = gateway.fleeting.held;
    const one = held?.record();
    expect(one).toMatchObject({ request: { path: '/one' }, response: { status: 200 }, requestId: held?.requestId });
    expect(one?.standsFor).toBeUndefined();
    expect(one?.accessLog).toContain('"GET /one HTTP/1.1" 200 - via_upstream');
    expect(one?.steps.map(({ stage }) => stage)).toEqual(expect.arrayContaining(['route', 'endpoint', 'response']));
    expect([held?.isOf(one?.traceId ?? ''), held?.isOf('0'.repeat(32))]).toEqual([true, false]);
    await sendFrom(`${NET}.2.9`, to, { host: 'other.com', path: '/two' });
    await until(() => gateway.hops.length > before, 'the failure is reported');
    expect(gateway.hops.at(-1)).toMatchObject({ request: { path: '/two' }, response: { flags: ['NR'] } });
    expect(gateway.hops.at(-1)?.steps.map(({ stage }) => stage)).toContain('virtual_host');
    gateway.fleeting.wanted = false;
    await sendFrom(`${NET}.2.9`, to, { host: 'other.com', path: '/three' });
    await until(() => gateway.hops.length > before + 1, 'the next failure is reported');
    expect(gateway.hops.at(-1)).toMatchObject({ request: { path: '/three' }, steps: [] });
    expect(gateway.fleeting.held).toHaveLength(1);
    vi.restoreAllMocks();
  });

  it('answers 404 NR for a host that nobody bound to it', async () => {
    expect((await sendFrom(`${NET}.2.9`, { ip: `${NET}.2.1`, port: 8080 }, { host: 'other.com' })).status).toBe(404);
    expect(gateway.hops.at(-1)?.response.flags).toEqual(['NR']);
  });
});

describe('the life of a proxy', () => {
  it('serves on while it drains, tells clients to come no more, and ends when nobody is connected', async () => {
    const server = await serve(`${NET}.3.2`, 'PERMISSIVE');
    const current = sendFrom(`${NET}.3.9`, { ip: `${NET}.3.2`, port: 9080 }, { path: '/held' });
    await until(() => held.length > 0, 'the request is with the application');
    const stopped = server.proxy.stop(2000);
    expect(server.proxy.ready).toBe(false);
    const late = await sendFrom(`${NET}.3.9`, { ip: `${NET}.3.2`, port: 9080 });
    expect([late.status, late.headers['connection']]).toEqual([200, 'close']);
    for (const reply of held) reply();
    expect((await current).status).toBe(200);
    await stopped;
    await expect(sendFrom(`${NET}.3.9`, { ip: `${NET}.3.2`, port: 9080 })).rejects.toThrow(/ECONNREFUSED/);
    await server.stop();
  });

  it('makes the same choices again for the same seed, and others for another', async () => {
    const run = async (ip: string, seed: string): Promise<string> => {
      const shares = [
        { name: 'a', weight: 1 },
        { name: 'b', weight: 1 },
      ];
      const pod = await startPod({ ip, name: 'client-v1', signer, seed }, (xds) => {
        xds.push(typeUrls.cluster, [...standardClusters, { name: 'a', type: 'STATIC' }, { name: 'b', type: 'STATIC' }]);
        xds.push(typeUrls.listener, [virtualOutbound, outboundListener(80)]);
        const route = { ...forwardTo(''), route: { weighted_clusters: { clusters: shares } } };
        xds.push(typeUrls.route, [routes(80, ['*'], [route])]);
      });
      for (let i = 0; i < 24; i++) await pod.fetch({ ip: `${NET}.9.9`, port: 80 });
      await pod.stop();
      return pod.hops.map(({ cluster }) => cluster).join('');
    };
    const first = await run(`${NET}.4.1`, 'lab');
    expect(await run(`${NET}.4.2`, 'lab')).toBe(first);
    expect(await run(`${NET}.4.3`, 'other')).not.toBe(first);
  });

  it('waits for its certificate as long as the CA refuses, and starts when it signs', async () => {
    let refusals = 2;
    const moody: CertificateSigner = {
      sign: (csr, token) => (refusals-- > 0 ? Promise.reject(new Error('not yet')) : signer.sign(csr, token)),
    };
    const pod = await startPod({ ip: `${NET}.5.1`, name: 'late-v1', signer: moody }, (xds) => {
      xds.push(typeUrls.cluster, standardClusters);
      xds.push(typeUrls.listener, [virtualOutbound]);
    });
    expect(pod.proxy.ready).toBe(true);
    expect(pod.logs.filter((line) => line.includes('failed to sign CSR: not yet'))).toHaveLength(2);
    expect(pod.proxy.admin.secrets().map(({ name, spiffeId }) => [name, spiffeId])).toEqual([
      ['default', 'spiffe://cluster.local/ns/default/sa/late'],
      ['ROOTCA', ''],
    ]);
    await pod.stop();
  });
});

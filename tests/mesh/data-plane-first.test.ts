import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import type { CertificateSigner } from '../../server/data-plane/doors.ts';
import {
  clientTls,
  edsCluster,
  endpoints,
  forwardTo,
  inboundCluster,
  outboundListener,
  routes,
  standardClusters,
  virtualInbound,
  virtualOutbound,
} from './data-plane-config.ts';
import { createTestCa, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const CLUSTER = 'outbound|9080||reviews.default.svc.cluster.local';
const VIP = { ip: `${NET}.9.9`, port: 9080 };

describe('two sidecars with mTLS between them', () => {
  let signer: CertificateSigner;
  let client: Pod;
  let server: Pod;

  beforeAll(async () => {
    signer = await createTestCa();
    server = await startPod({ ip: `${NET}.1.2`, name: 'reviews-v1', ports: [9080], signer }, (xds) => {
      xds.push(typeUrls.cluster, [...standardClusters, inboundCluster(9080)]);
      xds.push(typeUrls.listener, [virtualOutbound, virtualInbound(9080, 'STRICT')]);
    });
    await server.app(9080, (request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ path: request.url, headers: request.headers }));
    });
    client = await startPod({ ip: `${NET}.1.1`, name: 'productpage-v1', signer }, (xds) => {
      xds.push(typeUrls.cluster, [
        ...standardClusters,
        edsCluster(CLUSTER, {
          transport_socket_matches: [
            {
              name: 'tlsMode-istio',
              match: { tlsMode: 'istio' },
              transport_socket: clientTls(
                'spiffe://cluster.local/ns/default/sa/reviews',
                'outbound_.9080_._.reviews.default.svc.cluster.local',
              ),
            },
          ],
        }),
      ]);
      xds.push(typeUrls.endpoint, [endpoints(CLUSTER, [`${NET}.1.2:9080`], true)]);
      xds.push(typeUrls.listener, [virtualOutbound, outboundListener(9080)]);
      xds.push(typeUrls.route, [routes(9080, ['reviews', 'reviews:9080'], [forwardTo(CLUSTER)])]);
    });
  });

  afterAll(async () => {
    await client?.stop();
    await server?.stop();
  });

  it('carries a request through both proxies and tells the application who called', async () => {
    const answer = await client.fetch(VIP, { host: 'reviews:9080', path: '/reviews/0' });
    expect(answer.status).toBe(200);
    expect(answer.headers['server']).toBe('envoy');
    const seen = JSON.parse(answer.body) as { path: string; headers: Record<string, string> };
    expect(seen.path).toBe('/reviews/0');
    expect(seen.headers['x-forwarded-client-cert']).toMatch(
      /^By=spiffe:\/\/cluster\.local\/ns\/default\/sa\/reviews;Hash=[0-9a-f]{64};Subject="";URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/productpage$/,
    );
    expect(seen.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen.headers['x-envoy-attempt-count']).toBe('1');
    await until(() => client.hops.length > 0 && server.hops.length > 0, 'both proxies report the hop');
    const [outbound, inbound] = [client.hops[0], server.hops[0]];
    expect(inbound?.parentSpanId).toBe(outbound?.spanId);
    expect(inbound?.traceId).toBe(outbound?.traceId);
    expect(outbound?.mtls).toBe(true);
    expect(outbound?.steps.map((step) => step.stage)).toEqual([
      'capture',
      'listener',
      'filter_chain',
      'virtual_host',
      'route',
      'cluster',
      'endpoint',
      'pool',
      'tls_peer',
      'attempt',
      'response',
    ]);
    expect(inbound?.accessLog).toContain('"GET /reviews/0 HTTP/1.1" 200 - via_upstream');
  });

  it('resets plaintext on a STRICT port', async () => {
    await expect(sendFrom(`${NET}.1.9`, { ip: `${NET}.1.2`, port: 9080 })).rejects.toThrow(/ECONNRESET|socket hang up/);
    await until(() => server.hops.some((hop) => hop.response.flags.includes('NR')), 'the refusal is recorded');
  });
});

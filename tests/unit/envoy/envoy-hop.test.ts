import { describe, expect, it } from 'vitest';
import { CallCounts, envoyHop } from '../../../server/envoy/envoy-hop.ts';
import type { HopEntry } from '../../../server/envoy/hop-format.ts';
import { ToldHandshakes } from '../../../server/envoy/told-handshakes.ts';
import { entry, FRONTEND, REQUEST_ID, REVIEWS } from './entry.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

const proxyOf = (service: string, role: 'sidecar' | 'gateway' = 'sidecar') => ({
  pod: `${service}-1`,
  namespace: 'default',
  service,
  version: 'v1',
  role,
});

const served = (changes: Partial<HopEntry> = {}): HopEntry =>
  entry({
    direction: 'inbound',
    remote: `${FRONTEND}:40001`,
    local: `${REVIEWS}:8080`,
    host: `${REVIEWS}:8080`,
    upstream_local: '127.0.0.6:33001',
    client_uri: 'spiffe://cluster.local/ns/default/sa/frontend',
    ...changes,
  });

/** The frontend's proxy and that of reviews. */
function mesh(envoys = [FRONTEND, REVIEWS]) {
  const common = {
    pushVersion: '7',
    isEnvoy: (ip: string) => envoys.includes(ip),
    counts: new CallCounts(),
    handshakes: new ToldHandshakes(() => undefined),
    chains: { isFormer: (mark: string) => mark === 'former' },
  };
  return {
    frontend: (told: HopEntry) => envoyHop(told, { ...common, proxy: proxyOf('frontend'), podIp: FRONTEND }),
    reviews: (told: HopEntry) => envoyHop(told, { ...common, proxy: proxyOf('reviews'), podIp: REVIEWS }),
    gateway: (told: HopEntry) => envoyHop(told, { ...common, proxy: proxyOf('edge', 'gateway'), podIp: FRONTEND }),
  };
}

describe('the record of what a real Envoy did', () => {
  it('has the facts that Envoy tells, and says that it tells no reasons', () => {
    const { steps, ...hop } = mesh().frontend(entry({ status: 503, flags: 'UF,URX', details: 'upstream_reset' }));
    expect(hop).toMatchObject({
      direction: 'outbound',
      startMs: 1_795_732_606_957,
      durationMs: 7,
      routeName: 'default',
      cluster: 'outbound|8080|v1|reviews.default.svc.cluster.local',
      upstreamHost: '127.9.1.3:8080',
      attempts: 1,
      mtls: true,
      peer: 'spiffe://cluster.local/ns/default/sa/reviews',
      pushVersion: '7',
      accessLog: 'the line',
      sampled: false,
    });
    const { request, response } = mesh().frontend(entry({ status: 503, flags: 'UF,URX', details: 'upstream_reset' }));
    expect(request).toMatchObject({ method: 'GET', path: '/reviews/0', authority: 'reviews:8080', bytes: 0 });
    expect(request.headers).toEqual([['x-request-id', REQUEST_ID]]);
    expect(response).toMatchObject({ status: 503, flags: ['UF', 'URX'], details: 'upstream_reset', bytes: 92 });
    expect(response.headers).toEqual([['server', 'envoy']]);
    const words = mesh().frontend(entry({})).steps;
    expect(words.map(({ stage, name }) => [stage, name])).toEqual([
      ['route', 'default'],
      ['cluster', 'outbound|8080|v1|reviews.default.svc.cluster.local'],
      ['endpoint', '127.9.1.3:8080'],
      ['tls_peer', 'spiffe://cluster.local/ns/default/sa/reviews'],
      ['response', '200'],
    ]);
    expect(words[0]?.detail).toBe('A real Envoy tells what it chose, not why.');
  });

  it('joins both ends of each call over one connection, although no header names a span', () => {
    const { frontend, reviews } = mesh();
    const answers = [reviews(served()), reviews(served())];
    const calls = [frontend(entry({})), frontend(entry({ stream: '6a30' }))];
    expect(answers.map(({ parentSpanId }) => parentSpanId)).toEqual(calls.map(({ spanId }) => spanId));
    expect(new Set([...answers, ...calls].map(({ spanId }) => spanId)).size).toBe(4);
    expect(new Set([...answers, ...calls].map(({ traceId }) => traceId))).toEqual(
      new Set([REQUEST_ID.replaceAll('-', '')]),
    );
  });

  it('makes the calls of a pod children of the request that it served', () => {
    const { reviews } = mesh();
    const call = reviews(entry({ upstream_local: `${REVIEWS}:40002`, host: '127.9.1.4:9080' }));
    expect(call.parentSpanId).toBe(reviews(served()).spanId);
  });

  const headers = { 'x-request-id': REQUEST_ID, 'x-b3-traceid': TRACE, 'x-b3-spanid': '00f067aa0ba902b7' };

  it('is a child of the span in its headers where another kind of proxy called', () => {
    const answer = mesh([REVIEWS]).reviews(served({ request_headers: headers }));
    expect(answer).toMatchObject({ traceId: TRACE, parentSpanId: '00f067aa0ba902b7' });
    expect(mesh().gateway(entry({ request_headers: headers })).parentSpanId).toBe('00f067aa0ba902b7');
  });

  it('has the span that its tracer wrote', () => {
    const request_headers = { ...headers, 'x-b3-parentspanid': 'a2fb4a1d1a96d312' };
    expect(mesh().frontend(entry({ traces: 'yes', request_headers }))).toMatchObject({
      traceId: TRACE,
      spanId: '00f067aa0ba902b7',
      parentSpanId: 'a2fb4a1d1a96d312',
    });
    // Answered by Envoy itself: the headers still name the caller.
    const refused = entry({ traces: 'yes', request_headers, host: null, upstream_local: null, status: 403 });
    expect(mesh().frontend(refused).spanId).not.toBe('00f067aa0ba902b7');
  });

  it('joins both ends of a connection as our own proxies do', () => {
    const { frontend, reviews } = mesh();
    const none = { kind: 'tcp', protocol: null, method: null, path: null, authority: null, details: null } as const;
    const call = frontend(entry({ ...none, request_headers: {} }));
    const answer = reviews(served({ ...none, request_headers: {} }));
    expect([answer.traceId, answer.parentSpanId]).toEqual([call.traceId, call.spanId]);
    expect(call.request).toMatchObject({ protocol: 'TCP', authority: '127.9.128.3:8080' });
    expect(call.response.status).toBe(0);
  });

  it('is one of its own for each connection that no filter chain took', () => {
    const none = { kind: 'tcp', stream: null, flags: 'NR', details: 'filter_chain_not_found', host: null } as const;
    const hops = [FRONTEND, REVIEWS].flatMap((ip) => {
      const { reviews, gateway } = mesh();
      const refused = { ...none, upstream_local: null, request_headers: {}, remote: `${ip}:40001` };
      return [reviews(served(refused)), gateway(entry(refused))];
    });
    expect(new Set(hops.map(({ spanId }) => spanId)).size).toBe(4);
    expect(new Set(hops.map(({ traceId }) => traceId)).size).toBe(4);
  });
});

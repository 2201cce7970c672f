import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { istioLogFormat } from '../../../server/data-plane/config/access-log/index.ts';
import { compileFormat } from '../../../server/data-plane/format/template.ts';
import { writeForwardingHeaders } from '../../../server/data-plane/http/forwarding.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { appendForwardedHost } from '../../../server/data-plane/http/inline-headers.ts';
import { cleanPath, type PathPolicy } from '../../../server/data-plane/http/path.ts';
import { PeerMetadata, UNKNOWN_PEER } from '../../../server/data-plane/http/peer-metadata.ts';
import { newRequestId, reasonOf, withReason } from '../../../server/data-plane/http/request-id.ts';
import { withFlag } from '../../../server/data-plane/http/response-flags.ts';
import { StreamInfo } from '../../../server/data-plane/http/stream-info.ts';
import { startSpan, writeSpan } from '../../../server/data-plane/http/trace-context.ts';
import { principalOf } from '../../../server/data-plane/tls/peer-certificates.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const never = (): boolean => {
  throw new Error('asked though the trace had decided');
};

describe('a span', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['W3C', { traceparent: `00-${TRACE}-${SPAN}-01` }, true],
    ['B3 headers', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '0' }, false],
    ['one B3 header', { b3: `${TRACE}-${SPAN}-1` }, true],
  ])('continues a trace in %s', (_form, given, sampled) => {
    const span = startSpan(Headers.of(given), seededRandom(1), never);
    expect(span).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, sampled });
    expect(span.spanId).not.toBe(SPAN);
  });

  it('begins a trace when the request brings none, or one that is not valid', () => {
    for (const given of [{}, { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` }, { traceparent: 'x' }]) {
      const span = startSpan(Headers.of(given), seededRandom(1), () => true);
      expect(span.parentSpanId).toBeUndefined();
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  it('is written in both forms, so that either leads back to it', () => {
    const headers = new Headers();
    const span = startSpan(headers, seededRandom(1), () => true);
    writeSpan(headers, span);
    for (const name of ['traceparent', 'x-b3-traceid']) {
      const only = new Headers(headers.flat.slice());
      for (const other of ['traceparent', 'x-b3-traceid'].filter((each) => each !== name)) only.remove(other);
      expect(startSpan(only, seededRandom(2), never)).toMatchObject({
        traceId: span.traceId,
        parentSpanId: span.spanId,
      });
    }
  });
});

it('a request id carries the sampling decision in its fifteenth place', () => {
  const id = newRequestId(seededRandom(1));
  expect(reasonOf(id)).toBeUndefined();
  const digits = (['sampled', 'server', 'client', undefined] as const).map((reason) => withReason(id, reason)[14]);
  expect(digits).toEqual(['9', 'a', 'b', '4']);
  expect(withReason('order-7', 'sampled')).toBe('order-7');
});

const BASE: PathPolicy = { normalizePath: true, mergeSlashes: false, escapedSlashes: 'KEEP_UNCHANGED' };

it.each([
  ['/a/../b?c=/../d', '/b?c=/../d'],
  ['/a/./b/', '/a/b/'],
  ['/..', '/'],
  ['/a\\b', '/a/b'],
  ['/a/%2e%2E/b', '/b'],
  ['/a//b', '/a//b'],
  ['*', '*'],
])('the path %s becomes %s', (from, to) => {
  expect(cleanPath(from, BASE).path).toBe(to);
});

it('flags stand in the order in which they were set, each once', () => {
  expect(withFlag(withFlag(withFlag([], 'URX'), 'UF'), 'URX')).toEqual(['URX', 'UF']);
});

describe('forwarding headers', () => {
  const tls = {
    version: 'TLSv1.3',
    cipher: '',
    alpn: '',
    sni: '',
    peerSpiffeId: 'spiffe://td/ns/a/sa/b',
    peerCertificateHash: 'ab',
    peerSubject: '',
  };
  const certDetails = { subject: true, cert: false, chain: false, dns: true, uri: true };
  const config = (fields: object) =>
    ({ useRemoteAddress: false, forwardClientCert: 'SANITIZE', via: '', certDetails, ...fields }) as never;

  it('name the client and strip steering headers at the edge', () => {
    const headers = Headers.of({
      'x-envoy-retry-on': '5xx',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-proto': 'https',
    });
    writeForwardingHeaders(headers, {
      config: config({ useRemoteAddress: true }),
      remoteIp: '127.0.0.9',
      localPort: 80,
      tls: undefined,
      own: '',
    });
    expect(headers.has('x-envoy-retry-on')).toBe(false);
    expect(headers.get('x-forwarded-for')).toBe('10.0.0.1,127.0.0.9');
    expect(headers.get('x-forwarded-proto')).toBe('http');
  });

  it('let nobody steer retries and timeouts, and keep the rest inside the mesh', () => {
    const headers = Headers.of({
      'x-envoy-max-retries': '9',
      'x-envoy-upstream-rq-timeout-ms': '1',
      'x-envoy-attempt-count': '1',
      'x-envoy-original-path': '/a',
    });
    writeForwardingHeaders(headers, {
      config: config({}),
      remoteIp: '127.0.0.9',
      localPort: 80,
      tls: undefined,
      own: '',
    });
    expect(headers.entries().map(([name]) => name)).toEqual([
      'x-envoy-attempt-count',
      'x-envoy-original-path',
      'x-forwarded-proto',
    ]);
  });

  it('take what a client says of hosts, paths and lengths of streams at the edge of the mesh', () => {
    const headers = Headers.of({
      'x-envoy-attempt-count': '1',
      'x-envoy-original-host': 'shop',
      'x-envoy-original-path': '/a',
      'x-envoy-upstream-stream-duration-ms': '50',
    });
    writeForwardingHeaders(headers, {
      config: config({ useRemoteAddress: true }),
      remoteIp: '127.0.0.9',
      localPort: 80,
      tls: undefined,
      own: '',
    });
    expect(headers.entries().map(([name]) => name)).toEqual([
      'x-envoy-attempt-count',
      'x-forwarded-for',
      'x-envoy-external-address',
      'x-forwarded-proto',
    ]);
  });

  it('keep the hosts that were asked for on one line', () => {
    const headers = Headers.of({});
    appendForwardedHost(headers, 'outer');
    appendForwardedHost(headers, 'inner');
    expect(headers.entries()).toEqual([['x-forwarded-host', 'outer,inner']]);
  });

  it.each([
    ['APPEND_FORWARD', 'By=x,By=me;Hash=ab;Subject="";URI=spiffe://td/ns/a/sa/b'],
    ['SANITIZE_SET', 'By=me;Hash=ab;Subject="";URI=spiffe://td/ns/a/sa/b'],
    ['FORWARD_ONLY', 'By=x'],
    ['SANITIZE', undefined],
  ])('carry the client certificate as %s says', (mode, wanted) => {
    const headers = Headers.of({ 'x-forwarded-client-cert': 'By=x' });
    writeForwardingHeaders(headers, {
      config: config({ forwardClientCert: mode }),
      remoteIp: '',
      localPort: 80,
      tls,
      own: 'me',
    });
    expect(headers.get('x-forwarded-client-cert')).toBe(wanted);
    writeForwardingHeaders(headers, {
      config: config({ forwardClientCert: mode }),
      remoteIp: '',
      localPort: 80,
      tls: undefined,
      own: 'me',
    });
    expect(headers.has('x-forwarded-client-cert')).toBe(false);
  });

  it.each([
    ['none', undefined, 'Hash=ab;Subject="";URI='],
    [
      'two',
      'URI:spiffe://a/b, DNS:x.y, URI:spiffe://c/d',
      'By=spiffe://a/b;By=spiffe://c/d;Hash=ab;Subject="";URI=spiffe://a/b;URI=spiffe://c/d;DNS=x.y',
    ],
  ])('name both ends by all identities in their certificates: %s', (_count, subjectAltName, wanted) => {
    const shown = { subjectAltName } as never;
    const headers = new Headers();
    writeForwardingHeaders(headers, {
      config: config({ forwardClientCert: 'SANITIZE_SET' }),
      remoteIp: '',
      localPort: 80,
      tls: { ...tls, peerSpiffeId: '', certificates: () => ({ peer: shown, local: shown }) },
      own: 'me',
    });
    expect(headers.get('x-forwarded-client-cert')).toBe(wanted);
  });
});

it.each([
  ['DNS:x.y, URI:spiffe://a/b, URI:spiffe://c/d', 'spiffe://a/b'],
  ['DNS:x.y, DNS:z', 'x.y'],
  [undefined, 'CN=me,O=org'],
])('a certificate with the names %s is of %s', (subjectAltName, wanted) => {
  expect(principalOf({ subjectAltName, subject: 'O=org\nCN=me' } as never)).toBe(wanted);
});

describe('metadata exchange', () => {
  const peer = {
    pod: 'reviews-v1-x',
    workload: 'reviews-v1',
    namespace: 'default',
    cluster: 'Kubernetes',
    service: 'reviews',
    version: 'v1',
    app: 'reviews',
    appVersion: '',
  };

  it('brings the names of a workload to its peer and leaves no header behind', () => {
    const headers = new Headers();
    new PeerMetadata(peer, 'node').write(headers);
    expect(new PeerMetadata({ ...peer, workload: 'other' }, 'n').take(headers)).toEqual(peer);
    expect(headers.entries()).toEqual([]);
  });

  it('takes anything else for an unknown peer', () => {
    const headers = Headers.of({ 'x-envoy-peer-metadata': '//' });
    expect(new PeerMetadata(peer, 'node').take(headers)).toEqual(UNKNOWN_PEER);
  });
});

describe('an access log line', () => {
  const info = new StreamInfo(Date.UTC(2026, 0, 2, 3, 4, 5, 6), 0);
  const subject = {
    head: {
      method: 'GET',
      path: '/b',
      authority: 'shop',
      scheme: 'http',
      protocol: 'HTTP/1.1',
      headers: Headers.of({ 'x-envoy-original-path': '/a', 'user-agent': 'curl' }),
    },
    responseHead: { status: 503, headers: new Headers() },
    info,
    connection: {
      direction: 'outbound' as const,
      remoteAddress: { ip: '127.8.1.1', port: 4000 },
      localAddress: { ip: '127.8.9.9', port: 80 },
      requestedServerName: '',
      tls: undefined,
    },
  };

  it("has Istio's format, with the path before the rewrite and - for what is unset", () => {
    info.status = 503;
    info.flag('UH');
    info.details = 'no_healthy_upstream';
    info.cluster = 'outbound|80||shop';
    info.routeName = 'default';
    info.bytesSent = 19;
    expect(istioLogFormat(subject)).toBe(
      '[2026-01-02T03:04:05.006Z] "GET /a HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl" "-" "shop" "-" outbound|80||shop - 127.8.9.9:80 127.8.1.1:4000 - default',
    );
  });

  it('fills header formats with lengths, alternatives and escaped signs', () => {
    const format = compileFormat('%REQ(X-NONE?USER-AGENT):2% 100%%', 'f');
    expect(format(subject)).toBe('cu 100%');
    expect(() => compileFormat('50%', 'f')).toThrow("Couldn't find valid command at position 2");
  });
});

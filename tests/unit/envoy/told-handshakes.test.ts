import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { handshakesView } from '../../../server/api/session/evidence/handshakes.ts';
import { CallCounts, envoyHop } from '../../../server/envoy/envoy-hop.ts';
import type { HopEntry } from '../../../server/envoy/hop-format.ts';
import { ToldHandshakes } from '../../../server/envoy/told-handshakes.ts';
import { createTestCa } from '../data-plane-tls/certificates.ts';
import { entry, FRONTEND } from './entry.ts';

const REVIEWS_URI = 'spiffe://cluster.local/ns/default/sa/reviews';
const ca = await createTestCa();
const { chainPem } = await ca.issue({ uris: [REVIEWS_URI] });
const TLS = { host_tls: 'TLSv1.3', host_cipher: 'TLS_AES_256_GCM_SHA384' };
const told = (changes: Partial<HopEntry> = {}): HopEntry =>
  entry({ ...TLS, host_certificate: encodeURIComponent(chainPem), ...changes });

const read = (given: HopEntry) => new ToldHandshakes(() => ca.rootsPem).of(given);

describe('the handshakes that a real Envoy tells of', () => {
  it('show the certificate of a peer, the bundle that judged it, and what was agreed', () => {
    const { upstream, downstream } = read(told())!;
    expect(downstream).toBeUndefined();
    expect(new X509Certificate(upstream!.peerChain[0]!).subjectAltName).toBe(`URI:${REVIEWS_URI}`);
    expect(upstream).toMatchObject({
      side: 'client',
      agreed: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
      rootsPem: ca.rootsPem,
      expected: [REVIEWS_URI],
    });
    expect(upstream?.agreed).not.toHaveProperty('alpn');
  });

  it('are those of the client where the proxy served', () => {
    const served = { ...entry({ host_uri: null, server_name: 'outbound_.80_._.web.default.svc.cluster.local' }) };
    const { downstream } = read({
      ...served,
      client_tls: 'TLSv1.3',
      client_cipher: 'TLS_AES_128_GCM_SHA256',
      client_uri: REVIEWS_URI,
      client_certificate: encodeURIComponent(chainPem),
    })!;
    expect(downstream).toMatchObject({ side: 'server', offered: { serverName: served.server_name }, expected: [] });
    expect(downstream?.peerChain).toHaveLength(1);
  });

  it('are one object for all requests of a connection, until the bundle is another one', () => {
    let roots = ca.rootsPem;
    const handshakes = new ToldHandshakes(() => roots);
    const first = handshakes.of(told())?.upstream;
    expect(handshakes.of(told())?.upstream).toBe(first);
    roots = `${roots}\n${ca.rootsPem}`;
    expect(handshakes.of(told())?.upstream).not.toBe(first);
  });

  it('are none in plaintext, and without a judgement of whoever is no member of the mesh', () => {
    expect(read(entry({}))).toBeUndefined();
    const { upstream } = read(told({ host_uri: null }))!;
    expect([upstream?.peerChain, upstream?.rootsPem, upstream?.expected]).toEqual([[], undefined, []]);
  });

  it('tell a learner that the call was encrypted, and whom the peer proved to be', () => {
    const hop = envoyHop(told(), {
      proxy: { pod: 'frontend-1', namespace: 'default', service: 'frontend', version: 'v1', role: 'sidecar' },
      podIp: FRONTEND,
      pushVersion: '7',
      isEnvoy: () => true,
      counts: new CallCounts(),
      handshakes: new ToldHandshakes(() => ca.rootsPem),
      chains: { isFormer: () => false },
    });
    const { handshakes, plaintext } = handshakesView('r', [hop]);
    expect(plaintext).toEqual([]);
    expect(handshakes).toMatchObject([{ side: 'client', peer: 'upstream', names: [REVIEWS_URI], bundle: 1 }]);
    expect(handshakes[0]?.anchor).toBeDefined();
  });
});

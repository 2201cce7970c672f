import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '#sandbox';
import { podOf, startPair } from './identity-mesh.ts';
import { applyAndSettle, type RunningMesh } from './sandbox-support.ts';

const CLUSTER = 'cluster.outbound|8080||inventory.default.svc.cluster.local';

const rules = (mode: string, tls: string): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict }
spec: { mtls: { mode: ${mode} } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: inventory }
spec: { host: inventory, trafficPolicy: { tls: { ${tls} } } }
`;

const SAN = 'spiffe://cluster.local/ns/default/sa/inventory';
const tlsError = (text: string): string => `TLS_error:|${text}:TLS_error_end`;

/** What a real Envoy writes as client in the same place: flags, details, and the counter of the cluster that moves. */
const CASES = [
  {
    what: 'plaintext to a STRICT server',
    ...{ mode: 'STRICT', tls: 'mode: DISABLE' },
    log: '503 UC upstream_reset_before_response_started{connection_termination} - "-"',
    counter: undefined,
  },
  {
    what: 'mutual TLS to a server that does not speak TLS',
    ...{ mode: 'DISABLE', tls: 'mode: ISTIO_MUTUAL' },
    log: `503 URX,UF upstream_reset_before_response_started{remote_connection_failure|${tlsError('268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER')}}`,
    counter: 'ssl.connection_error',
  },
  {
    what: 'mutual TLS to a server with another identity than the expected',
    ...{ mode: 'STRICT', tls: 'mode: ISTIO_MUTUAL, subjectAltNames: ["spiffe://cluster.local/ns/default/sa/other"]' },
    log: `503 URX,UF upstream_reset_before_response_started{remote_connection_failure|${tlsError(`268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_SAN_matcher,_certificate_SANs_are_[${SAN}]`)}}`,
    counter: 'ssl.fail_verify_san',
  },
] as const;

describe('a sidecar whose TLS does not fit the server', () => {
  let mesh: RunningMesh;
  let sandbox: Sandbox;

  beforeAll(async () => {
    mesh = await startPair('24h');
    ({ sandbox } = mesh);
  });
  afterAll(() => mesh?.stop());

  const stat = (name: string): number => podOf(sandbox, 'cart').proxy?.admin.stats().get(`${CLUSTER}.${name}`) ?? 0;
  const call = async (): Promise<{ status: number; line: string }> => {
    const cart = podOf(sandbox, 'cart');
    const before = cart.logs('istio-proxy').length;
    const { status } = await cart.fetch('http://inventory:8080/');
    const lines = (): readonly string[] => cart.logs('istio-proxy').slice(before);
    await sandbox.until(() => lines().some((line) => line.includes('"GET / ')), 5000, 'the request is logged');
    return { status, line: lines().find((line) => line.includes('"GET / ')) ?? '' };
  };

  it.each(CASES)('reports $what as Envoy does', async ({ mode, tls, log, counter }) => {
    await applyAndSettle(sandbox, { file: 'rules.yaml', text: rules(mode, tls) });
    const before = counter === undefined ? 0 : stat(counter);
    const { status, line } = await call();
    expect(status).toBe(503);
    expect(line).toContain(log);
    // The first attempt and two retries.
    if (counter !== undefined) expect(stat(counter) - before).toBe(3);
  });

  it('leaves the record of the handshake: what it asked for, what it showed, what it was shown, and why that was not enough', async () => {
    const expected = 'spiffe://cluster.local/ns/default/sa/somebody-else';
    const tls = `mode: ISTIO_MUTUAL, subjectAltNames: ["${expected}"]`;
    await applyAndSettle(sandbox, { file: 'rules.yaml', text: rules('STRICT', tls) });
    await call();
    // The server tells of the handshake, too, once its client has broken it off.
    const hops = mesh.events.flatMap((event) => (event.type === 'hop' ? [event.hop] : []));
    const failed = hops.findLast(({ direction }) => direction === 'outbound');
    const record = failed?.handshakes?.upstream;
    expect(record).toMatchObject({
      side: 'client',
      offered: {
        serverName: 'outbound_.8080_._.inventory.default.svc.cluster.local',
        alpn: expect.arrayContaining(['istio-http/1.1', 'istio']),
        versions: ['TLSv1.3', 'TLSv1.2'],
      },
      expected: [`exactly "${expected}"`],
      failure: expect.stringContaining(`SAN matcher, certificate SANs are [${SAN}]`),
    });
    expect(record?.agreed).toBeUndefined();
    const own = podOf(sandbox, 'cart')
      .proxy?.admin.secrets()
      .find(({ name }) => name === 'default')?.pem;
    expect(record?.ownChainPem).toBe(own);
    const [leaf, ...above] = (record?.peerChain ?? []).map((der) => new X509Certificate(Buffer.from(der)));
    expect(leaf?.subjectAltName).toBe(`URI:${SAN}`);
    expect(above.at(-1)?.verify(new X509Certificate(record?.rootsPem ?? '').publicKey)).toBe(true);
  });

  it('is answered again, over mutual TLS, when the rule is gone that did not fit', async () => {
    await applyAndSettle(sandbox, { file: 'rules.yaml', text: rules('STRICT', 'mode: ISTIO_MUTUAL') });
    const before = stat('ssl.handshake');
    expect((await call()).status).toBe(200);
    expect(stat('ssl.handshake')).toBe(before + 1);
  });
});

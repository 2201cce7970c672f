import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCa, type TestCa, type TestCertificate } from '../unit/data-plane-tls/certificates.ts';
import { applyAndSettle, type RunningMesh, startMesh } from './sandbox-support.ts';

const GATEWAY = `
apiVersion: v1
kind: Namespace
metadata: { name: default, labels: { istio-injection: enabled } }
---
apiVersion: v1
kind: Service
metadata: { name: prices }
spec: { selector: { app: prices }, ports: [{ name: http, port: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: prices }
spec:
  selector: { matchLabels: { app: prices } }
  template:
    metadata: { labels: { app: prices } }
    spec: { containers: [{ name: prices, image: meshwork/service:1.0, ports: [{ containerPort: 8080 }] }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [prices.example]
      tls: { mode: MUTUAL, credentialName: prices }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: prices }
spec:
  hosts: [prices.example]
  gateways: [front]
  http: [{ route: [{ destination: { host: prices, port: { number: 8080 } } }] }]
`;

describe('a revocation list in the credential of a gateway', () => {
  let mesh: RunningMesh;
  let ca: TestCa;
  let server: TestCertificate;
  let partner: TestCertificate;
  let stolen: TestCertificate;

  /** `kubernetes.io/tls` keys, or the generic ones of Istio. */
  const credential = (crl: string | undefined, keys: readonly string[]): string => {
    const values = [server.chainPem, server.keyPem, ca.rootsPem, crl];
    const data = Object.fromEntries(
      keys.flatMap((key, at) => (values[at] === undefined ? [] : [[key, Buffer.from(values[at]).toString('base64')]])),
    );
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'prices', namespace: 'istio-system' },
      data,
    });
  };
  const ask = async ({ chainPem, keyPem }: TestCertificate): Promise<string> => {
    const address = mesh.sandbox.gateways['istio-system/istio-ingressgateway']?.['443'] ?? '';
    const tls = { serverName: 'prices.example', ca: ca.rootsPem, cert: chainPem, key: keyPem };
    return mesh.sandbox.fetchFromOutside(`https://${address}/`, { headers: { host: 'prices.example' }, tls }).then(
      ({ status }) => String(status),
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
  };

  beforeAll(async () => {
    ca = await createTestCa();
    [server, partner, stolen] = await Promise.all([
      ca.issue({ dns: ['prices.example'] }),
      ca.issue({ dns: ['partner.example'] }),
      ca.issue({ dns: ['stolen.example'] }),
    ]);
    const secret = credential(undefined, ['tls.crt', 'tls.key', 'ca.crt']);
    mesh = await startMesh([{ file: 'mesh.yaml', text: `${GATEWAY}---\n${secret}\n` }]);
  });
  afterAll(() => mesh?.stop());

  it.each([
    ['ca.crl beside ca.crt', ['tls.crt', 'tls.key', 'ca.crt', 'ca.crl']],
    ['crl beside cacert', ['cert', 'key', 'cacert', 'crl']],
  ])('%s: what it names is refused by an alert, the others pass', async (_what, keys) => {
    mesh.sandbox.remove('Secret', { namespace: 'istio-system', name: 'prices' });
    await applyAndSettle(mesh.sandbox, { file: 's.yaml', text: credential(undefined, keys) });
    expect([await ask(partner), await ask(stolen)]).toEqual(['200', '200']);
    await applyAndSettle(mesh.sandbox, { file: 's.yaml', text: credential(await ca.revoke(stolen), keys) });
    expect([await ask(partner), await ask(stolen)]).toEqual(['200', 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED']);
  });
});

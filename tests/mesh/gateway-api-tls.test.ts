import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClusterAuthority } from '#ca';
import type { ManifestFile, Sandbox } from '#sandbox';
import { systemClock } from '../../server/system.ts';
import { shop } from './gateway-api-shop.ts';
import { applyAndSettle, type RunningMesh, startMesh } from './sandbox-support.ts';

const authority = createClusterAuthority({ clock: systemClock() });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A Secret with a fresh certificate for these names. */
function certificate(name: string, names: readonly string[], namespace = 'default'): ManifestFile {
  const { certPem, keyPem } = authority.issue(names);
  return {
    file: `${name}-${namespace}.yaml`,
    text: `
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
type: kubernetes.io/tls
data:
  tls.crt: ${base64(certPem)}
  tls.key: ${base64(keyPem)}
`,
  };
}

const secure: ManifestFile = {
  file: 'secure.yaml',
  text: `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: secure, namespace: default }
spec:
  gatewayClassName: istio
  listeners:
    - { name: https, port: 443, protocol: HTTPS, hostname: shop.example, tls: { mode: Terminate, certificateRefs: [{ name: shop-cert }] } }
    - { name: far, port: 443, protocol: HTTPS, hostname: far.example, tls: { mode: Terminate, certificateRefs: [{ name: far-cert, namespace: other }] } }
    - { name: unread, port: 8443, protocol: TLS, hostname: "*.example", tls: { mode: Passthrough } }
    - { name: bytes, port: 9000, protocol: TCP }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: default }
spec:
  parentRefs: [{ name: secure }]
  rules: [{ backendRefs: [{ name: one, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: unread, namespace: default }
spec:
  parentRefs: [{ name: secure, sectionName: unread }]
  hostnames: [shop.example]
  rules: [{ backendRefs: [{ name: tls-shop, port: 443 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: bytes, namespace: default }
spec:
  parentRefs: [{ name: secure, sectionName: bytes }]
  rules: [{ backendRefs: [{ name: two, port: 80 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: tls-shop, namespace: default }
spec:
  selector: { gateway.networking.k8s.io/gateway-name: secure }
  ports: [{ name: tls, port: 443, targetPort: 443 }]
`,
};

interface Handshake {
  readonly status: number;
  readonly fingerprint: string;
}

const ingress: ManifestFile = {
  file: 'ingress.yaml',
  text: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ingress, namespace: default }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [ingress.example]
      tls: { mode: SIMPLE, credentialName: ingress-cert }
    - port: { number: 443, name: elsewhere, protocol: HTTPS }
      hosts: [elsewhere.example]
      tls: { mode: SIMPLE, credentialName: shop-cert }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ingress, namespace: default }
spec:
  hosts: ["*"]
  gateways: [ingress]
  http: [{ route: [{ destination: { host: one, port: { number: 80 } } }] }]
`,
};

describe('TLS at a Gateway', () => {
  let mesh: RunningMesh;
  let sandbox: Sandbox;

  beforeAll(async () => {
    const files = [
      shop,
      certificate('shop-cert', ['shop.example']),
      certificate('far-cert', ['far.example'], 'other'),
      certificate('ingress-cert', ['ingress.example'], 'istio-system'),
      secure,
      ingress,
    ];
    mesh = await startMesh(files, true);
    ({ sandbox } = mesh);
    await sandbox.until(() => sandbox.gateways['default/secure']?.['443'] !== undefined, 10_000, 'the Gateway listens');
  });
  afterAll(() => mesh?.stop());

  const addressOf = (port: number, gateway = 'default/secure') => {
    const [host = '', text = ''] = (sandbox.gateways[gateway]?.[port] ?? ':').split(':');
    return { host, port: Number(text) };
  };

  /** One request over TLS; rejects when the handshake fails. */
  const request = (port: number, servername: string, gateway?: string): Promise<Handshake> =>
    new Promise((resolve, reject) => {
      const socket: TLSSocket = connectTls({ ...addressOf(port, gateway), servername, ca: authority.caPem }, () => {
        socket.write(`GET / HTTP/1.1\r\nhost: ${servername}\r\nconnection: close\r\n\r\n`);
      });
      let text = '';
      socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1');
        const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
        if (status === undefined) return;
        resolve({ status: Number(status), fingerprint: socket.getPeerCertificate().fingerprint256 });
        socket.destroy();
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed')));
    });

  it('ends with the certificate of its Secret', async () => {
    expect((await request(443, 'shop.example')).status).toBe(200);
  });

  it('takes the next certificate as soon as the Secret has it', async () => {
    const before = await request(443, 'shop.example');
    await applyAndSettle(sandbox, certificate('shop-cert', ['shop.example']));
    const after = await request(443, 'shop.example');
    expect(after.status).toBe(200);
    expect(after.fingerprint).not.toBe(before.fingerprint);
  });

  it('has no certificate of another namespace until that one grants it', async () => {
    await expect(request(443, 'far.example')).rejects.toThrow();
    await applyAndSettle(sandbox, {
      file: 'grant.yaml',
      text: `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: certificates, namespace: other }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: Gateway, namespace: default }]
  to: [{ group: "", kind: Secret, name: far-cert }]
`,
    });
    expect((await request(443, 'far.example')).status).toBe(200);
  });

  it('passes on unread what a TLSRoute names, and nothing else', async () => {
    // Behind it stands the Gateway’s own HTTPS port, whose certificate the client sees.
    const direct = await request(443, 'shop.example');
    expect(await request(8443, 'shop.example')).toEqual(direct);
    await expect(request(8443, 'other.example')).rejects.toThrow();
  });

  it('serves an Istio Gateway’s credentialName from the gateway’s own namespace, and from no other', async () => {
    expect((await request(443, 'ingress.example', 'istio-system/istio-ingressgateway')).status).toBe(200);
    await expect(request(443, 'elsewhere.example', 'istio-system/istio-ingressgateway')).rejects.toThrow();
  });

  it('forwards bytes to what a TCPRoute names', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connectTcp(addressOf(9000), () =>
        socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
      );
      let text = '';
      socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString('utf8');
      });
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toContain('"service": "two"');
  });
});

import { execFile, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateClient, createCertificateClient } from '#ca';
import { jsonPatch } from '#kube-api';
import type { Sandbox } from '#sandbox';
import { decodeMessage, encodeMessage, typeUrls } from '#xds';
import { podOf, startPair } from './identity-mesh.ts';
import type { RunningMesh } from './sandbox-support.ts';

const CART = 'spiffe://cluster.local/ns/default/sa/cart';
const INVENTORY = 'spiffe://cluster.local/ns/default/sa/inventory';
const CA_PORT = 15010;

const missing = ['openssl', 'curl'].filter((tool) => spawnSync(tool, ['version']).error !== undefined);

interface Ran {
  readonly code: number;
  readonly out: string;
}

/** A tool of the host, in the folder with the keys; its output and errors in one text. */
function run(folder: string, tool: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(tool, [...args], { cwd: folder, timeout: 20_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, out: out + err });
    });
    child.stdin?.end();
  });
}

/** One request to the Kubernetes API; by the administrator unless a token is given. */
async function api(sandbox: Sandbox, path: string, options: { token?: string; body?: object } = {}) {
  const { url, kubeconfig } = await sandbox.serveApi();
  const token = options.token ?? /token: (\S+)/.exec(kubeconfig)?.[1] ?? '';
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const method = options.body === undefined ? 'GET' : 'POST';
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const call = request(`${url}${path}`, { method, headers, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject).end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}

/** As `kubectl create token cart --audience istio-ca`. */
async function tokenOf(sandbox: Sandbox, account: string, audience: string): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [audience] } };
  const { text } = await api(sandbox, `/api/v1/namespaces/default/serviceaccounts/${account}/token`, { body });
  return (JSON.parse(text) as { status: { token: string } }).status.token;
}

const DISCOVERY = 'envoy.service.discovery.v3';

/** Asks the secure port for clusters, as a proxy of namespace default that acts for cart: their number, or what it is told. */
function clustersBySecurePort(istiodIp: string, rootPem: Buffer, token: string | undefined): Promise<number | string> {
  const client = new Client(`${istiodIp}:15012`, credentials.createSsl(rootPem), {
    'grpc.ssl_target_name_override': 'istiod.istio-system.svc',
  });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const raw = (bytes: Buffer): Buffer => bytes;
  const path = `/${DISCOVERY}.AggregatedDiscoveryService/StreamAggregatedResources`;
  const call = client.makeBidiStreamRequest(path, raw, raw, metadata);
  const node = {
    id: 'sidecar~127.0.0.9~own.default~default.svc.cluster.local',
    metadata: { NAMESPACE: 'default', SERVICE_ACCOUNT: 'cart' },
  };
  return new Promise<number | string>((resolve) => {
    call.on('data', (bytes: Buffer) => {
      const { resources } = decodeMessage(`${DISCOVERY}.DiscoveryResponse`, bytes) as { resources: unknown[] };
      resolve(resources.length);
    });
    call.on('error', ({ code, details }: ServiceError) => resolve(`${status[code]}: ${details}`));
    call.write(Buffer.from(encodeMessage(`${DISCOVERY}.DiscoveryRequest`, { node, type_url: typeUrls.cluster })));
  }).finally(() => {
    call.cancel();
    client.close();
  });
}

describe.skipIf(missing.length > 0)(
  `a certificate for a learner's own program (needs openssl and curl; missing: ${missing.join(', ') || 'none'})`,
  () => {
    let mesh: RunningMesh;
    let sandbox: Sandbox;
    let ca: CertificateClient;
    const folder = mkdtempSync(join(tmpdir(), 'meshwork-svid-'));
    const target = (): string => `${podOf(sandbox, 'inventory').ip}:8080`;

    /** Key and CSR by openssl, certificate by the CA of the mesh. */
    const certify = async (account: string, identity: string, audience = 'istio-ca'): Promise<void> => {
      await run(folder, 'openssl', [
        'genpkey',
        '-algorithm',
        'EC',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-out',
        'key.pem',
      ]);
      const san = `subjectAltName=URI:${identity}`;
      await run(folder, 'openssl', ['req', '-new', '-key', 'key.pem', '-subj', '/', '-addext', san, '-out', 'csr.pem']);
      const csr = readFileSync(join(folder, 'csr.pem'), 'utf8');
      const { chainPem, rootsPem } = await ca.sign(csr, await tokenOf(sandbox, account, audience));
      writeFileSync(join(folder, 'cert.pem'), chainPem.join(''));
      writeFileSync(join(folder, 'leaf.pem'), chainPem[0] ?? '');
      writeFileSync(join(folder, 'root.pem'), rootsPem.join(''));
    };

    beforeAll(async () => {
      mesh = await startPair('1h');
      ({ sandbox } = mesh);
      ca = createCertificateClient(`${podOf(sandbox, 'istiod').ip}:${CA_PORT}`);
      await certify('cart', CART);
    });
    afterAll(async () => {
      ca?.close();
      await mesh?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('is what openssl verify takes, and says what the proxies say', async () => {
      const verified = await run(folder, 'openssl', [
        ...['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', 'root.pem', '-untrusted', 'cert.pem'],
        'leaf.pem',
      ]);
      expect(verified).toEqual({ code: 0, out: 'leaf.pem: OK\n' });
      const shown = await run(folder, 'openssl', [
        'x509',
        '-in',
        'leaf.pem',
        '-noout',
        '-ext',
        'subjectAltName',
        '-serial',
      ]);
      expect(shown.out).toContain(`URI:${CART}`);
      const { serialNumber } = new X509Certificate(readFileSync(join(folder, 'leaf.pem')));
      expect(shown.out).toContain(`serial=${serialNumber}`);
    });

    it('opens a STRICT port to openssl s_client, which trusts what it is shown', async () => {
      const { out } = await run(folder, 'openssl', [
        ...['s_client', '-connect', target(), '-CAfile', 'root.pem', '-cert', 'cert.pem', '-key', 'key.pem'],
        ...['-alpn', 'istio-http/1.1,istio,http/1.1', '-verify_return_error', '-tls1_3', '-showcerts'],
      ]);
      expect(out).toContain('Verify return code: 0 (ok)');
      expect(out).toContain('ALPN protocol: http/1.1');
      const [leaf] = /-----BEGIN CERTIFICATE-----[\w+/=\s]+-----END CERTIFICATE-----/.exec(out) ?? [];
      expect(new X509Certificate(leaf ?? '').subjectAltName).toBe(`URI:${INVENTORY}`);
      // What the admin port shows is what was shown on the wire.
      expect(podOf(sandbox, 'inventory').proxy?.admin.secrets()[0]?.pem).toContain(leaf);
    });

    it('comes from a CA that openssl believes to be istiod, by the root that every namespace has', async () => {
      const map = sandbox.store.get('ConfigMap', { namespace: 'default', name: 'istio-ca-root-cert' });
      const published = (map?.['data'] as Record<string, string> | undefined)?.['root-cert.pem'] ?? '';
      expect(published).toBe(readFileSync(join(folder, 'root.pem'), 'utf8'));
      const { out } = await run(folder, 'openssl', [
        ...['s_client', '-connect', `${podOf(sandbox, 'istiod').ip}:15012`, '-CAfile', 'root.pem', '-alpn', 'h2'],
        ...['-verify_return_error', '-verify_hostname', 'istiod.istio-system.svc'],
      ]);
      expect(out).toContain('Verify return code: 0 (ok)');
      expect(out).toContain('Verified peername: istiod.istio-system.svc');
    });

    it('tells in istiod’s log of pushes, and of the answers too once its scope is at debug', async () => {
      const istiod = podOf(sandbox, 'istiod');
      const told = (): string => istiod.logs('discovery').join('\n');
      expect(told()).toMatch(
        /info\tdelta\tLDS: PUSH for node:cart-[\w-]+\.\w+ resources:\d+ removed:0 size:[\d.]+kB\n/,
      );
      expect(told()).not.toContain('ADS:LDS: ACK');
      const url = 'http://localhost:9876/scopej/delta';
      const set = (output_level: string) =>
        istiod.fetch(url, { method: 'PUT', body: JSON.stringify({ output_level }) });
      expect((await set('debug')).status).toBe(202);
      expect(JSON.parse((await istiod.fetch(url)).body.toString())).toMatchObject({ output_level: 'debug' });
      expect((await set('info')).status).toBe(202);
    });

    it('lets whoever trusts that root ask istiod’s webhooks, as istioctl kube-inject does', async () => {
      const { ip } = podOf(sandbox, 'istiod');
      const review = async (path: string, object: object): Promise<Record<string, unknown>> => {
        const body = JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          request: { uid: 'u1', object },
        });
        const { out } = await run(folder, 'curl', [
          ...['-sS', '--cacert', 'root.pem', '--connect-to', `::${ip}:15017`, '-H', 'content-type: application/json'],
          ...['-d', body, `https://istiod.istio-system.svc:443${path}`],
        ]);
        return (JSON.parse(out) as { response: Record<string, unknown> }).response;
      };
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { labels: { app: 'cart' } },
        spec: { containers: [{ name: 'cart', image: 'meshwork/service:1.0' }] },
      };
      const { patch, ...verdict } = await review('/inject', pod);
      expect(verdict).toEqual({ uid: 'u1', allowed: true, patchType: 'JSONPatch' });
      const steps = JSON.parse(Buffer.from(String(patch), 'base64').toString()) as unknown[];
      const injected = jsonPatch(pod, steps) as typeof pod & { spec: { initContainers: { name: string }[] } };
      expect(injected.metadata).not.toHaveProperty('name');
      expect(injected.spec.containers.map(({ name }) => name)).toEqual(['cart', 'istio-proxy']);
      expect(injected.spec.initContainers.map(({ name }) => name)).toEqual(['istio-init']);
      const unwanted = { ...pod, metadata: { labels: { 'sidecar.istio.io/inject': 'false' } } };
      expect(await review('/inject', unwanted)).toEqual({ uid: 'u1', allowed: true });
      const rule = {
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { name: 'cart' },
        spec: {},
      };
      expect(await review('/validate', rule)).toMatchObject({
        allowed: false,
        status: { message: expect.stringMatching(/^configuration is invalid: /) },
      });
    });

    it('has its secure port serve proxies, too, that prove to be who they say', async () => {
      const { ip } = podOf(sandbox, 'istiod');
      const rootPem = readFileSync(join(folder, 'root.pem'));
      const ask = (token?: string) => clustersBySecurePort(ip, rootPem, token);
      expect(await ask(await tokenOf(sandbox, 'cart', 'istio-ca'))).toBeGreaterThan(2);
      expect(await ask()).toBe('UNAUTHENTICATED: authentication failure: a token for istio-ca is asked for');
      expect(await ask(await tokenOf(sandbox, 'inventory', 'istio-ca'))).toMatch(
        /^PERMISSION_DENIED: .*own\.default.* is no workload of default\/inventory$/,
      );
    });

    // An SVID names a workload and no host: curl can check the root, not the name.
    it('opens a STRICT port to curl, whose request arrives with the identity', async () => {
      const identity = ['--cert', 'cert.pem', '--key', 'key.pem', '--cacert', 'root.pem', '--insecure'];
      const { code, out } = await run(folder, 'curl', ['-sS', '--http1.1', ...identity, `https://${target()}/`]);
      expect([code, out]).toEqual([0, expect.stringContaining('inventory')]);
      const seen = (): boolean =>
        mesh.events.some(
          (event) => event.type === 'hop' && event.hop.direction === 'inbound' && event.hop.peer === CART,
        );
      await sandbox.until(seen, 5000, 'the request is recorded with its client');
    });

    it('is asked for by the server: without one, curl gets no answer, over TLS or without', async () => {
      const over = (url: string): Promise<Ran> => run(folder, 'curl', ['-sS', '--insecure', url]);
      // TLS 1.3 lets a client send before it learns that it is refused: the words depend on which comes first.
      expect([35, 52, 55, 56]).toContain((await over(`https://${target()}/`)).code);
      expect([52, 56]).toContain((await over(`http://${target()}/`)).code);
    });

    it('is given for the identity of the token only, and only for a token that is meant for the CA', async () => {
      await expect(certify('cart', INVENTORY)).rejects.toThrow(/PERMISSION_DENIED: the token proves .*sa\/cart/);
      await expect(certify('cart', CART, 'https://kubernetes.default.svc.cluster.local')).rejects.toThrow(
        /UNAUTHENTICATED: the token is meant for/,
      );
    });

    it('lives no longer than istiod’s environment allows, and as long as it says where nobody asks', {
      timeout: 40_000,
    }, async () => {
      const name = { namespace: 'istio-system', name: 'istiod' };
      const { template } = sandbox.store.get('Deployment', name)!.spec as {
        template: { spec: { containers: Record<string, unknown>[] } };
      };
      const env = [
        { name: 'MAX_WORKLOAD_CERT_TTL', value: '30m' },
        { name: 'DEFAULT_WORKLOAD_CERT_TTL', value: '10m' },
      ];
      const containers = template.spec.containers.map((container) => ({ ...container, env }));
      await certify('cart', CART);
      sandbox.store.patch('Deployment', name, { spec: { template: { spec: { containers } } } }, { changeId: 'env' });
      const csr = readFileSync(join(folder, 'csr.pem'), 'utf8');
      const token = await tokenOf(sandbox, 'cart', 'istio-ca');
      const refusal = (): Promise<string> => ca.sign(csr, token, 3_600_000).then(() => 'signed', String);
      await expect
        .poll(refusal, { timeout: 20_000 })
        .toContain('requested TTL 3600s is greater than the max allowed TTL 1800s');
      const { chainPem } = await ca.sign(csr, token);
      const leftMs = new X509Certificate(chainPem[0] ?? '').validToDate.getTime() - Date.now();
      expect(Math.round(leftMs / 60_000)).toBe(10);
    });

    it('and the Kubernetes API are asked with different tokens', async () => {
      const forCa = await tokenOf(sandbox, 'cart', 'istio-ca');
      const forApi = await tokenOf(sandbox, 'cart', 'https://kubernetes.default.svc.cluster.local');
      expect((await api(sandbox, '/api', { token: forCa })).status).toBe(401);
      expect((await api(sandbox, '/api', { token: forApi })).status).toBe(200);
    });
  },
);

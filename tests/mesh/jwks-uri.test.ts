import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '#sandbox';
import { readKeyHost } from '#sandbox/key-host';
import { applyAndSettle, type RunningMesh, startMesh } from './sandbox-support.ts';

const LIMIT_MS = 15_000;

/** A login service outside the mesh whose keys are a file, a service behind the mesh, and istiod that looks for new keys each second. */
const mesh = (jwks: string): string => `
apiVersion: v1
kind: Namespace
metadata: { name: default, labels: { istio-injection: enabled } }
---
apiVersion: v1
kind: Namespace
metadata: { name: idp }
---
${keys(jwks)}
---
${deployment({ name: 'login', namespace: 'idp', image: 'nginx', port: 80, files: true })}
---
${deployment({ name: 'httpbin', namespace: 'idp', image: 'kennethreitz/httpbin', port: 80, files: false })}
---
${deployment({ name: 'orders', namespace: 'default', image: 'meshwork/service:1.0', port: 8080, files: false })}
---
apiVersion: v1
kind: Pod
metadata: { name: caller, namespace: default, labels: { app: caller } }
spec: { containers: [{ name: caller, image: curl, command: [sleep, infinity] }] }
`;

const keys = (jwks: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: keys, namespace: idp }
data: { jwks.json: '${jwks}' }`;

interface Wanted {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly port: number;
  readonly files: boolean;
}

const deployment = ({ name, namespace, image, port, files }: Wanted): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: ${port} }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: ${name}
          image: ${image}
          ports: [{ containerPort: ${port} }]
          ${files ? 'volumeMounts: [{ name: keys, mountPath: /usr/share/nginx/html }]' : ''}
      ${files ? 'volumes: [{ name: keys, configMap: { name: keys } }]' : ''}`;

const policy = (jwksUri: string): string => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens }
spec:
  selector: { matchLabels: { app: orders } }
  jwtRules: [{ issuer: login, jwksUri: "${jwksUri}", timeout: 1s }]`;

/** Starts istiod anew with a short refresh interval. */
async function refreshEachSecond(sandbox: Sandbox): Promise<void> {
  const { store } = sandbox;
  const name = { namespace: 'istio-system', name: 'istiod' };
  const spec = store.get('Deployment', name)?.['spec'] as { template: { spec: { containers: object[] } } };
  const env = [{ name: 'PILOT_JWT_PUB_KEY_REFRESH_INTERVAL', value: '1s' }];
  const containers = spec.template.spec.containers.map((container) => ({ ...container, env }));
  store.patch('Deployment', name, { spec: { template: { spec: { containers } } } }, { changeId: 'test' });
  const before = sandbox.controlPlane;
  await sandbox.until(
    () => sandbox.controlPlane !== undefined && sandbox.controlPlane !== before,
    LIMIT_MS,
    'a new istiod',
  );
  await sandbox.ready();
}

async function newKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256' }] });
  const token = await new SignJWT({ sub: 'ann' })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer('login')
    .setExpirationTime('1h')
    .sign(privateKey);
  return { jwks, token };
}

describe('keys by jwksUri', () => {
  let running: RunningMesh;
  let outside: Server;
  let outsidePort: number;
  let one: Awaited<ReturnType<typeof newKey>>;
  let two: Awaited<ReturnType<typeof newKey>>;

  const ask = async (token: string): Promise<string> => {
    const caller = running.sandbox.pod({ namespace: 'default', name: 'caller' });
    const answer = await caller?.fetch('http://orders:8080/', { headers: { authorization: `Bearer ${token}` } });
    return answer?.status === 200 ? '200' : `${answer?.status} ${answer?.body}`;
  };
  /** Asks until the answer is as wanted, or the time is over: then the last answer. */
  const becomes = async (token: string, wanted: string): Promise<string> => {
    const endMs = performance.now() + LIMIT_MS;
    for (;;) {
      const seen = await ask(token);
      if (seen === wanted || performance.now() > endMs) return seen;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const istiodSays = (text: string): Promise<void> =>
    running.sandbox.until(
      () => running.events.some((event) => event.type === 'log' && event.line.includes(text)),
      LIMIT_MS,
      `istiod says ${text}`,
    );

  beforeAll(async () => {
    [one, two] = await Promise.all([newKey('one'), newKey('two')]);
    outside = createServer((request, response) => {
      if (request.url === '/jwks.json') response.end(two.jwks);
      else response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end();
    });
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    ({ port: outsidePort } = outside.address() as AddressInfo);
    const allowed = [`http://keys.example.com:${outsidePort}=127.0.0.1`, `http://localhost:${outsidePort}`];
    running = await startMesh([{ file: 'mesh.yaml', text: mesh(one.jwks) }], false, {
      keyHosts: allowed.map(readKeyHost),
    });
    await refreshEachSecond(running.sandbox);
  });
  afterAll(async () => {
    await running?.stop();
    outside?.close();
  });

  it('are fetched from a service of the sandbox, and follow when that service rotates them', async () => {
    await applyAndSettle(running.sandbox, { file: 'p.yaml', text: policy('http://login.idp/jwks.json') });
    expect(await becomes(one.token, '200')).toBe('200');
    expect(await ask(two.token)).toBe("401 Jwks doesn't have key to match kid or alg from Jwt");
    await applyAndSettle(running.sandbox, { file: 'k.yaml', text: keys(two.jwks) });
    expect(await becomes(two.token, '200')).toBe('200');
    expect(await ask(one.token)).toBe("401 Jwks doesn't have key to match kid or alg from Jwt");
  });

  it.each([
    ['nobody listens', 'http://nobody.idp/jwks.json', 'ENOTFOUND'],
    ['it hangs', 'http://httpbin.idp/delay/8', 'no answer within 1000 ms'],
    ['it redirects', 'http://httpbin.idp/redirect-to?url=http%3A%2F%2Flogin.idp%2Fjwks.json', 'is a redirect (302)'],
    ['it is no JSON', 'http://httpbin.idp/html', 'the answer is no JSON'],
    ['it is a host outside', 'https://www.example.com/jwks.json', 'ENOTFOUND'],
    ['it is an address outside', 'http://192.0.2.1/jwks.json', 'ENETUNREACH'],
    ['an outside host redirects', 'http://keys.example.com:PORT/elsewhere', 'is a redirect (302)'],
    ['its name is that of an outside host at another port', 'http://keys.example.com/jwks.json', '--jwks-host'],
    ['an outside host is at no public address', 'http://localhost:PORT/jwks.json', 'which is no public address'],
  ])('refuse every token where %s, and istiod says why', async (_what, place, why) => {
    const uri = place.replace('PORT', String(outsidePort));
    await applyAndSettle(running.sandbox, { file: 'p.yaml', text: policy(uri) });
    await istiodSays(`Failed to fetch public key from "${uri}"`);
    await istiodSays(why);
    expect(await ask(two.token)).toBe('401 Jwt verification fails');
  });

  it('are fetched from a host outside that the operator allows', async () => {
    const uri = `http://keys.example.com:${outsidePort}/jwks.json`;
    await applyAndSettle(running.sandbox, { file: 'p.yaml', text: policy(uri) });
    expect(await becomes(two.token, '200')).toBe('200');
    expect(await ask(one.token)).toBe("401 Jwks doesn't have key to match kid or alg from Jwt");
  });
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEnvoyProxy, findEnvoy } from '#envoy';
import { hostPort, type ManifestFile, type SandboxOptions } from '#sandbox';
import { bookinfo, type OracleMesh, startMeshWith } from './support/mesh.ts';
import { waitFor } from './support/wait.ts';

/** A pod of the outside world, which no registry knows: connections to it are passed through. */
const outside = `
apiVersion: v1
kind: Pod
metadata:
  name: outside
  namespace: world
  annotations: { meshwork.dev/outside-host: api.example.com }
spec: { containers: [{ name: web, image: kennethreitz/httpbin, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Namespace
metadata: { name: world }
`;
const STARTS_MS = 60_000;
const yaml = (text: string): ManifestFile => ({ file: 'change.yaml', text });

let mesh: OracleMesh;
beforeAll(async () => {
  const make = createEnvoyProxy({ program: findEnvoy() ?? '', hostPort });
  // One version keeps our own proxy: both kinds speak with each other.
  const proxyFor: SandboxOptions['proxyFor'] = ({ metadata }) =>
    metadata.labels?.['version'] === 'v2' ? undefined : make;
  mesh = await startMeshWith({ proxyFor }, ...bookinfo, yaml(outside));
  await mesh.sandbox.ready();
}, STARTS_MS);
afterAll(() => mesh?.stop());

const pod = (app: string, version = 'v1') =>
  mesh.sandbox.pods.find(({ labels }) => labels['app'] === app && labels['version'] === version)!;
const ask = async (from: ReturnType<typeof pod>, url: string) => {
  const { status, body } = await from.fetch(url, { timeoutMs: 5000 });
  return { status, body: body.toString('utf8') };
};
const refused = (): unknown =>
  mesh.events.flatMap((event) => (event.type === 'push' && event.push.state === 'nacked' ? [event.push] : []));

it('are sidecars of a mesh beside our own: requests pass between both kinds, encrypted', async () => {
  const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }`;
  await mesh.apply(yaml(strict));
  const versions = new Set<string>();
  for (let i = 0; i < 30; i++) {
    const { status, body } = await ask(pod('productpage'), 'http://reviews:9080/reviews/0');
    expect(status).toBe(200);
    versions.add(/"podname":\s*"(reviews-v\d)/.exec(body)?.[1] ?? body);
  }
  expect([...versions].sort()).toEqual(['reviews-v1', 'reviews-v2', 'reviews-v3']);
  expect((await ask(pod('reviews', 'v2'), 'http://ratings:9080/ratings/0')).status).toBe(200);
  expect(refused()).toEqual([]);
});

it('do what routes and policies say, in the same moment', async () => {
  const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ratings }
spec:
  hosts: [ratings]
  http:
    - match: [{ headers: { end-user: { exact: jason } } }]
      fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }
      route: [{ destination: { host: ratings } }]
    - route: [{ destination: { host: ratings } }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: details }
spec:
  selector: { matchLabels: { app: details } }
  action: DENY
  rules: [{ from: [{ source: { principals: [cluster.local/ns/default/sa/bookinfo-ratings] } }] }]`;
  await mesh.apply(yaml(rules));
  const init = { headers: { 'end-user': 'jason' }, timeoutMs: 5000 };
  expect((await pod('reviews', 'v3').fetch('http://ratings:9080/ratings/0', init)).status).toBe(418);
  expect((await ask(pod('reviews', 'v3'), 'http://ratings:9080/ratings/0')).status).toBe(200);
  expect(await ask(pod('ratings'), 'http://details:9080/details/0')).toEqual({
    status: 403,
    body: 'RBAC: access denied',
  });
  expect((await ask(pod('productpage'), 'http://details:9080/details/0')).status).toBe(200);
  expect(refused()).toEqual([]);
});

it('pass on what no registry knows, and write their logs', async () => {
  expect((await ask(pod('productpage'), 'http://api.example.com/status/204')).status).toBe(204);
  await waitFor(
    'the line of its log',
    3000,
    () =>
      pod('productpage')
        .logs('istio-proxy')
        .some((line) => line.includes('PassthroughCluster')) || undefined,
  );
});

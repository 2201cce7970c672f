import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPod, Sandbox } from '#sandbox';
import { applyAndSettle, type RunningMesh, startMesh, topology } from './sandbox-support.ts';

const APPS = ['frontend', 'cart', 'inventory'];

describe('a mesh under a running application', () => {
  let mesh: RunningMesh;
  let sandbox: Sandbox;
  const podOf = (app: string): RunningPod => {
    const pod = sandbox.pods.find(({ labels }) => labels['app'] === app);
    if (pod === undefined) throw new Error(`no pod of ${app}`);
    return pod;
  };
  const counts = (): Record<string, string> =>
    Object.fromEntries(
      APPS.map((app) => {
        const containers = podOf(app).containers.filter(({ kind }) => kind !== 'init');
        return [app, `${containers.filter(({ ready }) => ready).length}/${containers.length}`];
      }),
    );
  const patch = (kind: string, namespace: string, name: string, change: object): void => {
    sandbox.store.patch(kind, { namespace, name }, change, { changeId: `${kind}-${name}` });
  };
  const restart = (app: string): void =>
    patch('Deployment', 'default', app, {
      spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } },
    });

  beforeAll(async () => {
    mesh = await startMesh(topology('meet-the-mesh'), false);
    ({ sandbox } = mesh);
  });
  afterAll(() => mesh?.stop());

  it('starts with pods of one container that call one another in plain text', async () => {
    expect(counts()).toEqual({ frontend: '1/1', cart: '1/1', inventory: '1/1' });
    expect((await podOf('frontend').fetch('http://cart:8080/')).status).toBe(200);
    expect(sandbox.hops.requests(10)).toEqual([]);
  });

  it('leaves running pods as they are when the namespace gets its label', async () => {
    patch('Namespace', '', 'default', { metadata: { labels: { 'istio-injection': 'enabled' } } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(counts()).toEqual({ frontend: '1/1', cart: '1/1', inventory: '1/1' });
  });

  it('gives restarted pods a proxy and an init step, and keeps the application as it is', async () => {
    for (const app of APPS) restart(app);
    await sandbox.until(
      () =>
        sandbox.pods.filter(({ namespace }) => namespace === 'default').length === 3 &&
        Object.values(counts()).every((count) => count === '2/2'),
      15_000,
      'three pods are 2/2',
    );
    for (const app of APPS) {
      const pod = podOf(app);
      expect(pod.containers.find(({ kind }) => kind === 'init')).toMatchObject({
        name: 'istio-init',
        state: 'Completed',
      });
      expect(pod.appListeners).toEqual([{ ip: '0.0.0.0', port: 8080 }]);
      expect(pod.exec(app, ['ss', '-ltn'])?.stdout).toContain('0.0.0.0:8080');
    }
  });

  it('sends every call through two proxies with mutual TLS', async () => {
    const endpoints = (): string[] =>
      (podOf('frontend').proxy?.admin.endpoints() ?? [])
        .filter(({ cluster }) => cluster.startsWith('outbound|8080||cart.'))
        .map(({ address }) => address.ip);
    const onlyNew = (): boolean => endpoints().every((ip) => ip === podOf('cart').ip) && endpoints().length === 1;
    await sandbox.until(onlyNew, 5000, 'the proxy of frontend knows the new pod of cart only');
    const response = await podOf('frontend').fetch('http://cart:8080/');
    expect(response.status).toBe(200);
    const log = (app: string): string => podOf(app).logs('istio-proxy').join('\n');
    await sandbox.until(() => log('cart').includes('inbound|8080||'), 3000, 'both proxies have logged the call');
    expect(log('frontend')).toContain('outbound|8080||cart.default.svc.cluster.local');
    expect(
      podOf('cart')
        .proxy?.admin.secrets()
        .map(({ spiffeId }) => spiffeId),
    ).toContain('spiffe://cluster.local/ns/default/sa/cart');
  });

  it('does not let a connection bypass the proxy to the application behind it', async () => {
    const { ip } = podOf('cart');
    const response = await sandbox.fetchFromOutside(`http://${ip}:8080/`);
    expect([response.status, response.headers['server']]).toEqual([200, 'istio-envoy']);
  });

  it('is reached at every port that it has rules for, whether or not the application listens there', async () => {
    const { ip } = podOf('cart');
    const astray = `
apiVersion: v1
kind: Service
metadata: { name: astray }
spec: { selector: { app: cart }, ports: [{ name: http, port: 8080, targetPort: 7070 }] }
`;
    await applyAndSettle(sandbox, { file: 'astray.yaml', text: astray });
    sandbox.hops.clear();
    expect((await podOf('frontend').fetch('http://astray:8080/')).status).toBe(503);
    const seen = sandbox.hops.requests(1).flatMap(({ traceId }) => sandbox.hops.trace(traceId));
    expect(seen.map(({ direction, response }) => [direction, response?.flags])).toEqual([
      ['outbound', []],
      ['inbound', ['URX', 'UF']],
    ]);
    const ingress = `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: cart }
spec:
  workloadSelector: { labels: { app: cart } }
  ingress: [{ port: { number: 9999, protocol: HTTP, name: http }, defaultEndpoint: 127.0.0.1:8080 }]
`;
    await applyAndSettle(sandbox, { file: 'ingress.yaml', text: ingress });
    expect((await sandbox.fetchFromOutside(`http://${ip}:9999/`)).status).toBe(200);
    await sandbox.settled(sandbox.remove('Sidecar.networking.istio.io', { namespace: 'default', name: 'cart' }), 5000);
    await sandbox.settled(sandbox.remove('Service', { namespace: 'default', name: 'astray' }), 5000);
  });

  it('answers readiness on 15021', async () => {
    expect((await sandbox.fetchFromOutside(`http://${podOf('cart').ip}:15021/healthz/ready`)).status).toBe(200);
  });

  it('lives on without istiod; a new rule and the pods of a new Gateway wait until it is back', async () => {
    patch('Deployment', 'istio-system', 'istiod', { spec: { replicas: 0 } });
    await sandbox.until(() => sandbox.controlPlane === undefined, 5000, 'istiod is gone');
    const rule = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: cart }
spec:
  hosts: [cart]
  http:
    - directResponse: { status: 418 }
`;
    const outcome = await sandbox.apply([{ file: 'cart.yaml', text: rule }], { namespace: 'default' });
    expect(outcome.accepted).toBe(true);
    for (let i = 0; i < 20; i++) expect((await podOf('frontend').fetch('http://cart:8080/')).status).toBe(200);
    const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: late }
spec: { gatewayClassName: istio, listeners: [{ name: http, port: 80, protocol: HTTP }] }
`;
    await sandbox.apply([{ file: 'late.yaml', text: gateway }], { namespace: 'default' });
    const deployed = () => sandbox.store.get('Deployment', { namespace: 'default', name: 'late-istio' });
    expect(deployed()).toBeUndefined();
    patch('Deployment', 'istio-system', 'istiod', { spec: { replicas: 1 } });
    await sandbox.until(() => deployed() !== undefined, 15_000, 'istiod has deployed the Gateway');
    await sandbox.until(
      () =>
        podOf('frontend')
          .proxy?.admin.routes()
          .some((route) => JSON.stringify(route).includes('418')) ?? false,
      15_000,
      'the rule has reached the proxy of frontend',
    );
    expect((await podOf('frontend').fetch('http://cart:8080/')).status).toBe(418);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPod, Sandbox } from '#sandbox';
import { typeUrls } from '#xds';
import { applyAndSettle, type RunningMesh, startMesh, topology } from './sandbox-support.ts';

const namespace = {
  file: 'namespace.yaml',
  text: 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: default\n  labels: { istio-injection: enabled }\n',
};
const virtualService = (name: string, http: string) => ({
  file: `${name}.yaml`,
  text: `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name} }
spec:
  hosts: [cart]
  http: ${http}
`,
});

describe('a mesh whose proxies are told the state of the world', () => {
  let mesh: RunningMesh;
  let sandbox: Sandbox;
  const podOf = (app: string): RunningPod => {
    const pod = sandbox.pods.find(({ labels }) => labels['app'] === app);
    if (pod === undefined) throw new Error(`no pod of ${app}`);
    return pod;
  };
  const page = async (path: string): Promise<unknown> => {
    const istiod = sandbox.pods.find(({ labels }) => labels['app'] === 'istiod');
    const response = await podOf('frontend').fetch(`http://${istiod?.ip}:15014${path}`);
    return JSON.parse(response.body.toString('utf8'));
  };
  const cart = async (path = '/') => (await podOf('frontend').fetch(`http://cart:8080${path}`)).status;
  const pushes = () => mesh.events.flatMap((event) => (event.type === 'push' ? [event.push] : []));

  beforeAll(async () => {
    mesh = await startMesh([...topology('meet-the-mesh'), namespace], true, {
      meshConfig: 'defaultConfig: { proxyMetadata: { ISTIO_DELTA_XDS: "false" } }',
    });
    ({ sandbox } = mesh);
  });
  afterAll(() => mesh?.stop());

  it('has every proxy on such a stream, the gateway among them, with all it needs to serve', async () => {
    expect(await cart()).toBe(200);
    const variants = new Map(pushes().map(({ nodeId, variant }) => [nodeId, variant]));
    expect(variants.size).toBe(4);
    expect(new Set(variants.values())).toEqual(new Set(['state of the world']));
    const dump = JSON.stringify(podOf('frontend').proxy?.admin.configDump());
    expect(dump).toContain('"api_type":"GRPC"');
  });

  it('sends all clusters when one comes, of which the proxy takes the new one only', async () => {
    const before = podOf('frontend').proxy!.admin.stats();
    await applyAndSettle(sandbox, {
      file: 'entry.yaml',
      text: `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: outside }
spec: { hosts: [outside.example], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS, location: MESH_EXTERNAL }
`,
    });
    const after = podOf('frontend').proxy!.admin.stats();
    const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(grown('cluster_manager.cluster_added')).toBe(1);
    expect(grown('cluster_manager.cluster_modified')).toBe(0);
    const last = pushes().findLast(
      ({ nodeId, typeUrl, state }) => nodeId.includes('~frontend') && typeUrl === typeUrls.cluster && state === 'sent',
    );
    expect(last!.resources.length).toBeGreaterThan(5);
    sandbox.remove('ServiceEntry.networking.istio.io', { namespace: 'default', name: 'outside' });
    await sandbox.until(
      () =>
        !podOf('frontend')
          .proxy!.admin.clusters()
          .some((cluster) => JSON.stringify(cluster).includes('outside.example')),
      5000,
      'the cluster is gone',
    );
  });

  it('follows a route as it comes, changes and goes', async () => {
    await applyAndSettle(
      sandbox,
      virtualService(
        'cart',
        '[{ fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } }, route: [{ destination: { host: cart } }] }]',
      ),
    );
    expect(await cart()).toBe(418);
    await applyAndSettle(sandbox, virtualService('cart', '[{ directResponse: { status: 202 } }]'));
    expect(await cart()).toBe(202);
    sandbox.remove('VirtualService.networking.istio.io', { namespace: 'default', name: 'cart' });
    expect(await sandbox.answered(5000)).toBe(true);
    expect(await cart()).toBe(200);
  });

  it('keeps what is good of a refused push, and istiod tells who refused what and why', async () => {
    await applyAndSettle(sandbox, {
      file: 'filter.yaml',
      text: `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: bad }
spec:
  workloadSelector: { labels: { app: frontend } }
  configPatches:
    - applyTo: CLUSTER
      match: { cluster: { service: inventory.default.svc.cluster.local } }
      patch: { operation: MERGE, value: { connect_timeout: -1s } }
`,
    });
    const refused = pushes().findLast(({ state }) => state === 'nacked');
    expect(refused).toMatchObject({ typeUrl: typeUrls.cluster, variant: 'state of the world' });
    expect(refused!.error).toContain('outbound|8080||inventory.default.svc.cluster.local');
    expect(await cart()).toBe(200);
    const istiod = sandbox.pods.find(({ labels }) => labels['app'] === 'istiod');
    expect(istiod!.logs('discovery').join('\n')).toMatch(/warn\tads\tADS:CDS: ACK ERROR frontend-[\w-]+\.default/);
    sandbox.remove('EnvoyFilter.networking.istio.io', { namespace: 'default', name: 'bad' });
    expect(await sandbox.answered(5000)).toBe(true);
    const status = (await page('/debug/syncz')) as Record<string, string>[];
    const frontend = status.find(({ proxy }) => proxy?.startsWith('frontend-'));
    for (const type of ['cluster', 'listener', 'route', 'endpoint'])
      expect(frontend?.[`${type}_acked`], type).toBe(frontend?.[`${type}_sent`]);
  });
});

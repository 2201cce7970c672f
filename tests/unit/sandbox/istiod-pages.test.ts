import { describe, expect, it } from 'vitest';
import { createControlPlane, DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { typeUrls } from '#xds';
import { type DebugSources, renderDebugPage } from '../../../server/sandbox/mesh/istiod-debug/debug-pages.ts';
import { adsClients } from '../../../server/sandbox/mesh/istiod-debug/sync-pages.ts';
import { bookinfo, cleanups, clock, newStore } from '../control-plane/fixture.ts';

const rule: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'of-reviews', namespace: 'default' },
  spec: { host: 'reviews' },
};

function sources(): DebugSources {
  const store = newStore([...bookinfo, rule]);
  const controlPlane = createControlPlane({
    ...{ store, clock, meshConfig: DEFAULT_MESH_CONFIG },
    ...{ onPush: () => {}, onLog: () => {} },
  });
  controlPlane.start();
  cleanups.push(() => controlPlane.stop());
  return { store, controlPlane };
}

const page = (of: DebugSources, name: string): unknown => {
  const { body = '' } = renderDebugPage(of, new URL(`http://istiod/debug/${name}`)) ?? {};
  return JSON.parse(body) as unknown;
};

describe("istiod's pages", () => {
  const all = sources();

  it('list rules under the whole names of their hosts', () => {
    const found = page(all, 'configz') as { kind: string; metadata: { name: string }; spec: object }[];
    expect(found.find(({ metadata }) => metadata.name === 'of-reviews')).toMatchObject({
      spec: { host: 'reviews.default.svc.cluster.local' },
    });
  });

  it("list kinds by istiod's names, and none that it does not know", () => {
    const kinds = (page(all, 'resourcesz') as { kind: string }[]).map(({ kind }) => kind);
    expect(kinds.slice(1, 4)).toEqual(['DestinationRule', 'EnvoyFilter', 'Gateway']);
    expect(kinds.at(-1)).toBe('Ingress');
    expect(kinds).not.toContain('UDPRoute');
  });

  it('list services by name, and networks of their pods even where they have none', () => {
    const hosts = (page(all, 'registryz') as { hostname: string }[]).map(({ hostname }) => hostname);
    expect(hosts).toEqual(hosts.toSorted());
    type Shards = Record<string, Record<string, { Shards: Record<string, { Labels: object }[]> }>>;
    const { 'reviews.default.svc.cluster.local': reviews } = page(all, 'endpointz') as Shards;
    const [endpoint] = reviews!['default']!.Shards['Kubernetes/Kubernetes']!;
    expect(endpoint!.Labels).toHaveProperty(['topology.istio.io/network'], '');
  });

  it('have no services of other clusters, and nothing to clear', () => {
    expect(page(all, 'mcsz')).toBeNull();
    expect(renderDebugPage(all, new URL('http://istiod/debug/cachez?clear=true'))?.body).toBe('Cache cleared\n');
  });

  it('tell of a proxy what istiod keeps of it, and of its place', () => {
    const metadata = { NAME: 'cart-1', LABELS: { app: 'cart' }, CLUSTER_ID: 'Kubernetes', NODE_NAME: 'n' };
    const node = { id: 'sidecar~10.0.0.1~cart-1.default~x', cluster: 'cart', metadata, locality: { region: 'r' } };
    const connection = { node, number: 1, id: 'cart-1.default-1', connectedAtMs: 1500, peer: '10.0.0.1:5' };
    const watches = new Map([[typeUrls.cluster, []]]);
    expect(adsClients([{ ...connection, watches } as unknown as Parameters<typeof adsClients>[0][number]])).toEqual({
      totalClients: 1,
      clients: [
        {
          ...{ connectionId: 'cart-1.default-1', connectedAt: '1970-01-01T00:00:01.5Z', address: '10.0.0.1:5' },
          labels: {
            ...{ app: 'cart', 'topology.kubernetes.io/region': 'r' },
            ...{ 'topology.istio.io/cluster': 'Kubernetes', 'kubernetes.io/hostname': 'n' },
          },
          metadata: { LABELS: { app: 'cart' }, CLUSTER_ID: 'Kubernetes', NODE_NAME: 'n' },
          locality: { region: 'r' },
          watches: { [typeUrls.cluster]: [] },
        },
      ],
    });
  });
});

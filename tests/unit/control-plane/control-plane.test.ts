import { describe, expect, it } from 'vitest';
import { type KubeObject, seededRandom } from '#domain';
import { createAdsClient, typeUrls, type XdsUpdate } from '#xds';
import { cleanups, clock, newStore, serve } from './fixture.ts';

/** A sidecar that accepts everything and asks for the route tables and endpoints that its listeners and clusters name. */
function connectSidecar(address: string): { held: Map<string, object>; until: (met: () => boolean) => Promise<void> } {
  const held = new Map<string, object>();
  let wake: () => void = () => {};
  const client = createAdsClient({
    address,
    clock,
    random: seededRandom(1),
    node: {
      id: 'sidecar~127.8.1.31~productpage-v1-1.default~default.svc.cluster.local',
      cluster: 'productpage.default',
      metadata: { NAMESPACE: 'default' },
    },
    onUpdate: (update: XdsUpdate) => {
      for (const { name, resource } of update.upserted) held.set(`${update.typeUrl}/${name}`, resource);
      for (const name of update.removed) held.delete(`${update.typeUrl}/${name}`);
      wake();
      return [];
    },
  });
  client.subscribe(typeUrls.cluster, '*');
  client.subscribe(typeUrls.listener, '*');
  client.subscribe(typeUrls.route, ['9080']);
  client.subscribe(typeUrls.endpoint, ['outbound|9080||reviews.default.svc.cluster.local']);
  client.start();
  cleanups.push(() => client.stop());
  const until = async (met: () => boolean): Promise<void> => {
    while (!met()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { held, until };
}

const virtualService = (subset: string): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'reviews', namespace: 'default' },
  spec: { hosts: ['reviews'], http: [{ route: [{ destination: { host: 'reviews', subset } }] }] },
});

describe('control plane', () => {
  it('sends a sidecar that connects all it needs', async () => {
    const { address } = await serve(newStore());
    const { held, until } = connectSidecar(address);
    await until(() => held.has(`${typeUrls.route}/9080`) && held.has(`${typeUrls.listener}/virtualInbound`));
    for (const name of ['virtualOutbound', '0.0.0.0_9080']) expect(held.has(`${typeUrls.listener}/${name}`)).toBe(true);
    for (const name of ['PassthroughCluster', 'BlackHoleCluster', 'InboundPassthroughCluster']) {
      expect(held.has(`${typeUrls.cluster}/${name}`)).toBe(true);
    }
  });

  it('pushes an applied rule and settles when the sidecar has accepted it', async () => {
    const store = newStore();
    const { address, controlPlane, log } = await serve(store);
    const { held, until } = connectSidecar(address);
    await until(() => held.has(`${typeUrls.route}/9080`) && held.has(`${typeUrls.listener}/virtualInbound`));
    store.apply(virtualService('v1'), { changeId: 'change-1' });
    const summary = await controlPlane.settled('change-1', 5000);
    expect(summary.proxies.map(({ types }) => types)).toEqual([['RDS']]);
    expect(summary.effectiveMs).toBeLessThan(2000);
    expect(JSON.stringify(held.get(`${typeUrls.route}/9080`))).toContain('outbound|9080|v1|reviews');
    expect(controlPlane.problems().map(({ code }) => code)).toEqual(['IST0101']);
    expect(log.filter((line) => line.includes('IST0101'))).toHaveLength(1);
  });

  it('settles a change that no proxy is configured from at once', async () => {
    const store = newStore();
    const { address, controlPlane } = await serve(store);
    const { held, until } = connectSidecar(address);
    await until(() => held.has(`${typeUrls.route}/9080`));
    store.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other', namespace: 'default' }, data: { a: 'b' } },
      { changeId: 'change-2' },
    );
    const summary = await controlPlane.settled('change-2', 5000);
    expect(summary.proxies).toEqual([]);
    expect(summary.effectiveMs).toBeDefined();
  });
});

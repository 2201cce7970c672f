import { expect, it } from 'vitest';
import { createControlPlane, DEFAULT_MESH_CONFIG } from '#control-plane';
import { gatewayKinds, istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore } from '#kube-api';
import { manualClock } from '../../support/manual-clock.ts';

function pilot() {
  // Its time stands still: nothing that waits for a moment of quiet happens by itself.
  const clock = manualClock();
  const store = createKubeStore({ kinds: createKindRegistry([...coreKinds, ...istioKinds, ...gatewayKinds]), clock });
  const controlPlane = createControlPlane({
    store,
    meshConfig: DEFAULT_MESH_CONFIG,
    clock,
    onPush: () => undefined,
    onLog: () => undefined,
  });
  controlPlane.start();
  const settled = async (): Promise<void> => {
    controlPlane.flush();
    expect(await controlPlane.answered(() => true, 1000)).toBe(true);
  };
  return { store, controlPlane, settled };
}

it('whoever has waited for the answers of the proxies finds the statuses of the same change', async () => {
  const { store, controlPlane, settled } = pilot();
  store.create(
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'reviews', namespace: 'default' },
      spec: { parentRefs: [{ group: '', kind: 'Service', name: 'absent', port: 8080 }] },
    },
    { changeId: 'apply' },
  );
  await settled();

  const route = store.get('HTTPRoute.gateway.networking.k8s.io', { namespace: 'default', name: 'reviews' });
  expect(route?.status).toMatchObject({
    parents: [{ conditions: [{ type: 'Accepted', status: 'False' }, { type: 'ResolvedRefs' }] }],
  });
  controlPlane.stop();
});

it('an Ingress of Istio tells where the ingress gateway is reached, one of another class nothing', async () => {
  const { store, controlPlane, settled } = pilot();
  const change = { changeId: 'apply' };
  const gateway = { namespace: 'istio-system', name: 'istio-ingressgateway' };
  for (const name of ['shop', 'istio-system'])
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, change);
  const rules = [{ host: 'shop.example' }];
  for (const name of ['istio', 'other']) {
    const annotations = { 'kubernetes.io/ingress.class': name };
    const metadata = { name, namespace: 'shop', annotations };
    store.create({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec: { rules } }, change);
  }
  store.create(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: gateway,
      spec: { type: 'LoadBalancer', externalIPs: ['10.0.0.9'], ports: [{ port: 80 }] },
    },
    change,
  );
  const addresses = (name: string): unknown =>
    Object(store.get('Ingress.networking.k8s.io', { namespace: 'shop', name })?.status)['loadBalancer'];
  await settled();
  expect(addresses('istio')).toEqual({ ingress: [{ ip: '10.0.0.9' }] });

  store.updateStatus(
    'Service',
    gateway,
    { loadBalancer: { ingress: [{ ip: '10.0.0.7' }, { hostname: 'lb.example' }] } },
    change,
  );
  await settled();
  expect(addresses('istio')).toEqual({ ingress: [{ hostname: 'lb.example' }, { ip: '10.0.0.7' }, { ip: '10.0.0.9' }] });

  store.delete('Service', gateway, change);
  await settled();
  expect(addresses('istio')).toEqual({ ingress: [] });
  expect(addresses('other')).toEqual({});
  controlPlane.stop();
});

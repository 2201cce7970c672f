import { expect, it } from 'vitest';
import { createControlPlane, DEFAULT_MESH_CONFIG } from '#control-plane';
import { gatewayKinds, istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore } from '#kube-api';
import { manualClock } from '../../support/manual-clock.ts';

it('whoever has waited for the answers of the proxies finds the statuses of the same change', async () => {
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
  store.create(
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'reviews', namespace: 'default' },
      spec: { parentRefs: [{ group: '', kind: 'Service', name: 'absent', port: 8080 }] },
    },
    { changeId: 'apply' },
  );
  controlPlane.flush();

  expect(await controlPlane.answered(() => true, 1000)).toBe(true);

  const route = store.get('HTTPRoute.gateway.networking.k8s.io', { namespace: 'default', name: 'reviews' });
  expect(route?.status).toMatchObject({
    parents: [{ conditions: [{ type: 'Accepted', status: 'False' }, { type: 'ResolvedRefs' }] }],
  });
  controlPlane.stop();
});

import { afterEach, beforeEach, expect, it } from 'vitest';
import type { KubeStore } from '#kube-api';
import { startServiceController } from '../../../server/sandbox/controllers/services.ts';
import type { EndpointSliceObject } from '../../../server/sandbox/kube-types.ts';
import { addressPlan, servicePool } from '../../../server/sandbox/network/addresses.ts';
import { manualClock } from '../workloads/support.ts';
import { changeId, newStore, service, settle } from './support.ts';

const WITHIN_MS = 5000;

let store: KubeStore;
let stop: () => void;
let awaited = false;
const clock = manualClock();
beforeEach(() => {
  store = newStore().store;
  stop = startServiceController({
    store,
    addresses: servicePool(addressPlan(9)),
    onError: (_what, error) => {
      throw error;
    },
    startsWithin: { clock, ms: WITHIN_MS, awaited: () => awaited },
  });
  store.apply(service('cart'), { changeId });
  store.create(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'cart-1', namespace: 'default', labels: { app: 'cart' } },
      spec: { containers: [{ name: 'cart', image: 'cart', ports: [{ containerPort: 8080 }] }] },
    },
    { changeId },
  );
});
afterEach(() => stop());

const tell = async (ready: boolean): Promise<void> => {
  const status = {
    phase: 'Running',
    podIP: '127.9.1.1',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  };
  store.updateStatus('Pod', { namespace: 'default', name: 'cart-1' }, status, { changeId });
  await settle();
};
const listed = (): unknown[] =>
  (store.list('EndpointSlice') as EndpointSliceObject[]).flatMap(({ endpoints }) =>
    endpoints.map(({ conditions }) => conditions?.ready),
  );

it('a pod that becomes ready soon is listed then, and stays listed when it is ready no longer', async () => {
  await tell(false);
  expect(listed()).toEqual([]);
  await tell(true);
  expect(listed()).toEqual([true]);
  await tell(false);
  expect(listed()).toEqual([false]);
});

it('a pod that takes longer is listed as unready', async () => {
  await tell(false);
  clock.advance(WITHIN_MS - 1);
  await settle();
  expect(listed()).toEqual([]);
  clock.advance(1);
  await settle();
  expect(listed()).toEqual([false]);
});

it('a pod that takes longer while somebody waits for all pods is listed when nobody does any more', async () => {
  awaited = true;
  await tell(false);
  clock.advance(WITHIN_MS);
  await settle();
  expect(listed()).toEqual([]);
  awaited = false;
  clock.advance(WITHIN_MS);
  await settle();
  expect(listed()).toEqual([false]);
});

it('nothing of a pod that was deleted is waited for', async () => {
  await tell(false);
  store.delete('Pod', { namespace: 'default', name: 'cart-1' }, { changeId, gracePeriodSeconds: 0 });
  await settle();
  expect(clock.waiting).toBe(0);
});

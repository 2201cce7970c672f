import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { seededRandom } from '#domain';
import type { KubeStore } from '#kube-api';
import { startDeploymentController } from '../../../server/sandbox/controllers/deployments.ts';
import { createEventRecorder } from '../../../server/sandbox/controllers/event-recorder.ts';
import { startReplicaSetController } from '../../../server/sandbox/controllers/replica-sets.ts';
import { changeId, deployment, newStore, settle } from './support.ts';

const CART = { namespace: 'default', name: 'cart' };
const REVISION = 'deployment.kubernetes.io/revision';

describe('a rollout', () => {
  let store: KubeStore;
  let clock: ReturnType<typeof newStore>['clock'];
  let stops: (() => void)[];
  const errors: unknown[] = [];

  beforeEach(() => {
    ({ store, clock } = newStore());
    const onError = (_what: string, error: unknown): void => void errors.push(error);
    const events = createEventRecorder({ store, clock, component: 'deployment-controller' });
    const stopSets = startReplicaSetController({
      store,
      clock,
      random: seededRandom('pods'),
      admit: (pod) => pod,
      onError,
    });
    stops = [startDeploymentController({ store, clock, events, onError }), stopSets];
  });
  afterEach(() => {
    for (const stop of stops) stop();
    expect(errors).toEqual([]);
  });

  const now = (): string => new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const markReady = async (choose: (pod: KubeObject) => boolean = () => true): Promise<void> => {
    await settle();
    for (const pod of store.list('Pod').filter(choose)) {
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: now() }];
      if (JSON.stringify(pod.status ?? {}).includes('True')) continue;
      store.updateStatus(
        'Pod',
        { namespace: 'default', name: pod.metadata.name },
        { phase: 'Running', conditions },
        { changeId },
      );
    }
    await settle();
  };
  const set = (version: string): KubeObject | undefined =>
    store.list('ReplicaSet').find(({ spec }) => JSON.stringify(spec).includes(`inventory:${version}`));
  const replicas = (): Record<string, number> =>
    Object.fromEntries(
      store
        .list('ReplicaSet')
        .map((each) => [
          /inventory:([\d.]+)/.exec(JSON.stringify(each.spec))?.[1] ?? '',
          (each.spec as { replicas: number }).replicas,
        ]),
    );
  const apply = (version: string, spec: object = {}): void => {
    store.apply(deployment('cart', spec, { image: `meshwork/inventory:${version}` }), { changeId });
  };
  const condition = (type: string): { status: string; reason: string } | undefined =>
    (
      (store.get('Deployment', CART)?.status ?? {}) as {
        conditions?: { type: string; status: string; reason: string }[];
      }
    ).conditions?.find((each) => each.type === type);

  it('never goes below what may be missing, nor beyond what may be too many', async () => {
    apply('1.0', { replicas: 4 });
    await markReady();
    apply('2.0', { replicas: 4 });
    await settle();
    expect(replicas()).toEqual({ '1.0': 3, '2.0': 2 });
    await markReady();
    expect(replicas()).toEqual({ '1.0': 1, '2.0': 4 });
    await markReady();
    await markReady();
    expect(replicas()).toEqual({ '1.0': 0, '2.0': 4 });
    expect(condition('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
  });

  it('counts revisions on the Deployment and its sets, and a template that comes back is the newest', async () => {
    apply('1.0');
    await markReady();
    apply('2.0');
    await markReady();
    expect(store.get('Deployment', CART)?.metadata.annotations?.[REVISION]).toBe('2');
    const { template } = (set('1.0')?.spec ?? {}) as { template: { spec: object } };
    // As `kubectl rollout undo` writes it: the old set's template with its keys in another order.
    const spec = Object.fromEntries(Object.entries(template.spec).reverse());
    store.patch('Deployment', CART, { spec: { template: { spec } } }, { changeId });
    await markReady();
    expect(store.list('ReplicaSet')).toHaveLength(2);
    expect(set('1.0')?.metadata.annotations?.[REVISION]).toBe('3');
    expect(store.get('Deployment', CART)?.metadata.annotations?.[REVISION]).toBe('3');
  });

  it('that is paused waits with the new template, and scales the old', async () => {
    apply('1.0', { replicas: 2 });
    await markReady();
    apply('2.0', { replicas: 3, paused: true });
    await settle();
    expect(replicas()).toEqual({ '1.0': 3 });
    expect(condition('Progressing')).toMatchObject({ reason: 'DeploymentPaused' });
    store.patch('Deployment', CART, { spec: { paused: null } }, { changeId });
    await settle();
    expect(replicas()).toHaveProperty(['2.0']);
  });

  it('that does not move misses its deadline, and goes on when it can', async () => {
    apply('1.0', { progressDeadlineSeconds: 10 });
    await settle();
    expect(condition('Progressing')).toMatchObject({ status: 'True' });
    clock.advance(11_000);
    await settle();
    expect(condition('Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    await markReady();
    expect(condition('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
  });

  it('waits until a new pod has been ready for as long as it must', async () => {
    apply('1.0', { minReadySeconds: 5 });
    await markReady();
    expect(store.get('Deployment', CART)?.status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
    clock.advance(5000);
    await settle();
    expect(store.get('Deployment', CART)?.status).toMatchObject({ availableReplicas: 1 });
  });

  it('that is resized half-way shares the difference between its sets', async () => {
    apply('1.0', { replicas: 4 });
    await markReady();
    apply('2.0', { replicas: 4 });
    await settle();
    store.patch('Deployment', CART, { spec: { replicas: 8 } }, { changeId });
    await settle();
    const { '1.0': old = 0, '2.0': fresh = 0 } = replicas();
    expect(old).toBeGreaterThanOrEqual(3);
    expect(fresh).toBeGreaterThan(2);
    expect(old + fresh).toBeLessThanOrEqual(10);
  });

  it('tells each step as an event of the Deployment', async () => {
    apply('1.0');
    await settle();
    const messages = store.list('Event').map((event) => String(event['message']));
    expect(messages).toEqual([expect.stringMatching(/^Scaled up replica set cart-\w+ from 0 to 1$/)]);
  });

  it('keeps as many old sets as its history allows', async () => {
    for (const version of ['1.0', '2.0', '3.0', '4.0']) {
      apply(version, { revisionHistoryLimit: 1 });
      await markReady();
      await markReady();
    }
    expect(Object.keys(replicas()).sort()).toEqual(['3.0', '4.0']);
  });

  it('takes over the sets and pods that a Deployment of its name left behind', async () => {
    apply('1.0', { replicas: 2 });
    await markReady();
    const pods = (): string[] =>
      store
        .list('Pod')
        .map(({ metadata }) => metadata.name)
        .sort();
    const [left, kept] = [store.list('ReplicaSet')[0]?.metadata.name, pods()];
    store.delete('Deployment', CART, { changeId, propagationPolicy: 'Orphan' });
    await settle();
    expect(store.list('ReplicaSet').map(({ metadata }) => metadata.ownerReferences)).toEqual([undefined]);
    apply('1.0', { replicas: 2 });
    await settle();
    const cart = store.get('Deployment', CART);
    expect(
      store.list('ReplicaSet').map(({ metadata: { name, ownerReferences } }) => ({ name, ownerReferences })),
    ).toEqual([
      { name: left, ownerReferences: [expect.objectContaining({ uid: cart?.metadata.uid, controller: true })] },
    ]);
    expect(pods()).toEqual(kept);
    expect(cart?.metadata.annotations?.[REVISION]).toBe('1');
  });

  it('replaces a pod whose labels somebody changed, and lets it run on; it comes back when its labels do', async () => {
    apply('1.0');
    await markReady();
    const taken = { namespace: 'default', name: store.list('Pod')[0]?.metadata.name ?? '' };
    store.patch('Pod', taken, { metadata: { labels: { app: 'looked-at' } } }, { changeId });
    await settle();
    expect(store.get('Pod', taken)?.metadata.ownerReferences).toBeUndefined();
    expect(store.list('Pod')).toHaveLength(2);
    store.patch('Pod', taken, { metadata: { labels: { app: 'cart' } } }, { changeId });
    await settle();
    expect(store.list('Pod', { namespace: 'default', labelSelector: 'app=cart' })).toHaveLength(1);
    expect(store.list('Pod')[0]?.metadata.ownerReferences).toEqual([expect.objectContaining({ kind: 'ReplicaSet' })]);
  });
});

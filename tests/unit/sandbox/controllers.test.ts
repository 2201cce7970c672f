import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { seededRandom } from '#domain';
import type { KubeStore } from '#kube-api';
import { startDeploymentController } from '../../../server/sandbox/controllers/deployments.ts';
import { startNamespaceController } from '../../../server/sandbox/controllers/namespaces.ts';
import { startReplicaSetController } from '../../../server/sandbox/controllers/replica-sets.ts';
import { startServiceController } from '../../../server/sandbox/controllers/services.ts';
import { addressPlan, servicePool } from '../../../server/sandbox/network/addresses.ts';
import { changeId, deployment, names, newStore, service, settle } from './support.ts';

const endpointsOf = (slice: KubeObject) =>
  slice['endpoints'] as { readonly addresses: string[]; readonly conditions: { readonly ready: boolean } }[];

const PUBLISHED = [{ configMap: 'istio-ca-root-cert', key: 'root-cert.pem', text: 'PEM' }];

describe('controllers', () => {
  let store: KubeStore;
  let stops: (() => void)[];
  const errors: unknown[] = [];
  /** The namespace that istiod does not look at. */
  let left: string | undefined;

  beforeEach(() => {
    const made = newStore();
    store = made.store;
    const onError = (_what: string, error: unknown): void => void errors.push(error);
    const namespaces = startNamespaceController({
      store,
      published: (namespace) => (namespace === left ? [] : PUBLISHED),
      onError,
    });
    stops = [
      startDeploymentController({ store, clock: made.clock, onError }),
      startReplicaSetController({
        store,
        clock: made.clock,
        random: seededRandom('pods'),
        admit: (pod) => pod,
        onError,
      }),
      startServiceController({ store, addresses: servicePool(addressPlan(9)), onError }),
      () => namespaces.stop(),
    ];
  });
  afterEach(() => {
    for (const stop of stops) stop();
    expect(errors).toEqual([]);
  });

  const pods = (): KubeObject[] => store.list('Pod', { namespace: 'default' });
  let nextIp = 1;
  const makeReady = (pod: KubeObject, ready = true): void => {
    const status = {
      phase: 'Running',
      podIP: `127.9.1.${nextIp++}`,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    };
    store.updateStatus('Pod', { namespace: 'default', name: pod.metadata.name }, status, { changeId });
  };
  const readyAll = async (): Promise<void> => {
    await settle();
    for (const pod of pods())
      if (pod.status === undefined || !JSON.stringify(pod.status).includes('True')) makeReady(pod);
    await settle();
  };
  const slices = (): { addresses: string[]; ports: unknown }[] =>
    store.list('EndpointSlice').map((slice) => ({
      addresses: endpointsOf(slice).flatMap(({ addresses, conditions }) => (conditions.ready ? addresses : [])),
      ports: slice['ports'],
    }));

  it('make a ReplicaSet and pods with names as Kubernetes gives them', async () => {
    store.apply(deployment('cart', { replicas: 2 }), { changeId });
    await settle();
    expect(names(store.list('ReplicaSet'))[0]).toMatch(/^cart-[a-z0-9]{8,10}$/);
    expect(pods()).toHaveLength(2);
    for (const pod of pods()) expect(pod.metadata.name).toMatch(/^cart-[a-z0-9]{8,10}-[a-z0-9]{5}$/);
  });

  it('give the same names for the same seed', async () => {
    store.apply(deployment('cart'), { changeId });
    await settle();
    const first = names(pods());
    store.delete('Deployment', { namespace: 'default', name: 'cart' }, { changeId });
    const other = newStore();
    const onError = (): void => undefined;
    stops.push(
      startDeploymentController({ store: other.store, clock: other.clock, onError }),
      startReplicaSetController({
        store: other.store,
        clock: other.clock,
        random: seededRandom('pods'),
        admit: (pod) => pod,
        onError,
      }),
    );
    other.store.apply(deployment('cart'), { changeId });
    await settle();
    expect(names(other.store.list('Pod'))).toEqual(first);
  });

  it('scale up, scale down, and let the unready go first', async () => {
    store.apply(deployment('cart', { replicas: 3 }), { changeId });
    await settle();
    const [keep] = pods();
    makeReady(keep!);
    store.patch('Deployment', { namespace: 'default', name: 'cart' }, { spec: { replicas: 1 } }, { changeId });
    await settle();
    expect(names(pods())).toEqual([keep?.metadata.name]);
    store.patch('Deployment', { namespace: 'default', name: 'cart' }, { spec: { replicas: 0 } }, { changeId });
    await settle();
    expect(pods()).toEqual([]);
  });

  it('replace a pod that somebody deleted', async () => {
    store.apply(deployment('cart'), { changeId });
    await settle();
    const [gone] = pods();
    store.delete('Pod', { namespace: 'default', name: gone!.metadata.name }, { changeId });
    await settle();
    expect(pods()).toHaveLength(1);
    expect(pods()[0]?.metadata.name).not.toBe(gone?.metadata.name);
  });

  it('restart by template: the new pod is ready before the old one goes', async () => {
    store.apply(deployment('cart'), { changeId });
    await readyAll();
    const [old] = pods();
    const restarted = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } };
    store.patch('Deployment', { namespace: 'default', name: 'cart' }, { spec: { template: restarted } }, { changeId });
    await settle();
    expect(names(pods())).toContain(old?.metadata.name);
    expect(pods()).toHaveLength(2);
    await readyAll();
    expect(pods()).toHaveLength(1);
    expect(names(pods())).not.toContain(old?.metadata.name);
    const status = store.get('Deployment', { namespace: 'default', name: 'cart' })?.status;
    expect(status).toMatchObject({
      updatedReplicas: 1,
      readyReplicas: 1,
      unavailableReplicas: 0,
      observedGeneration: 2,
    });
  });

  it('recreate when the strategy says so: the old pod is gone before the new one comes', async () => {
    store.apply(deployment('cart', { strategy: { type: 'Recreate' } }), { changeId });
    await readyAll();
    const counts: number[] = [];
    store.watch('Pod', () => counts.push(pods().length));
    const template = { metadata: { labels: { version: 'v2' } } };
    store.patch('Deployment', { namespace: 'default', name: 'cart' }, { spec: { template } }, { changeId });
    await readyAll();
    expect(Math.max(...counts)).toBe(1);
    expect(pods()[0]?.metadata.labels?.['version']).toBe('v2');
  });

  it('roll back to an old template by its old ReplicaSet', async () => {
    store.apply(deployment('cart'), { changeId });
    await readyAll();
    const [first] = names(store.list('ReplicaSet'));
    store.apply(deployment('cart', {}, { image: 'meshwork/inventory:2.0' }), { changeId });
    await readyAll();
    store.apply(deployment('cart'), { changeId });
    await readyAll();
    expect(names(store.list('ReplicaSet'))).toHaveLength(2);
    expect(pods()[0]?.metadata.ownerReferences?.[0]?.name).toBe(first);
  });

  it('delete ReplicaSets and pods with their Deployment', async () => {
    store.apply(deployment('cart'), { changeId });
    await settle();
    store.delete('Deployment', { namespace: 'default', name: 'cart' }, { changeId });
    await settle();
    expect([store.list('ReplicaSet'), pods()]).toEqual([[], []]);
  });

  it('list a pod until it has ended, and say that it is unready or ends', async () => {
    store.apply(service('cart'), { changeId });
    store.apply(service('all', { selector: { app: 'cart' }, publishNotReadyAddresses: true }), { changeId });
    store.apply(deployment('cart', {}, {}), { changeId });
    await settle();
    const name = { namespace: 'default', name: pods()[0]!.metadata.name };
    store.patch('Pod', name, { spec: { nodeName: 'meshwork' } }, { changeId });
    const conditions = (): unknown[] =>
      ['all-1', 'cart-1'].map((slice) =>
        endpointsOf(store.get('EndpointSlice', { namespace: 'default', name: slice })!).map((each) => each.conditions),
      );
    const [unready, ready, ending] = [
      [false, false],
      [true, false],
      [true, true],
    ].map(([serving, terminating]) => [
      [{ ready: true, serving, terminating }],
      [{ ready: serving && !terminating, serving, terminating }],
    ]);
    makeReady(pods()[0]!, false);
    await settle();
    expect(conditions()).toEqual(unready);
    makeReady(pods()[0]!);
    await settle();
    expect(conditions()).toEqual(ready);
    store.delete('Pod', name, { changeId });
    await settle();
    expect(conditions()).toEqual(ending);
    store.delete('Pod', name, { changeId, gracePeriodSeconds: 0 });
    await settle();
    expect(store.get('Pod', name)).toBeUndefined();
    expect(conditions()).toEqual([[], []]);
  });

  it('give Services an address and say which pods behind them are ready, under the resolved port', async () => {
    store.apply(service('cart'), { changeId });
    store.apply(deployment('cart', { replicas: 2 }), { changeId });
    await settle();
    const { spec } = store.get('Service', { namespace: 'default', name: 'cart' }) ?? {};
    expect(spec).toMatchObject({ clusterIP: '127.9.128.1' });
    expect(slices()).toEqual([{ addresses: [], ports: [expect.objectContaining({ name: 'http' })] }]);
    makeReady(pods()[0]!);
    await settle();
    expect(slices()).toEqual([
      { addresses: [expect.stringMatching(/^127\.9\.1\./)], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] },
    ]);
    makeReady(pods()[0]!, false);
    await settle();
    expect(slices()[0]?.addresses).toEqual([]);
    store.delete('Service', { namespace: 'default', name: 'cart' }, { changeId });
    await settle();
    expect(slices()).toEqual([]);
  });

  it('take a node port from a Service that is to have none any more', async () => {
    const nodePorts = () =>
      (
        store.get('Service', { namespace: 'default', name: 'cart' })!.spec as { ports: { nodePort?: number }[] }
      ).ports.map(({ nodePort }) => nodePort);
    const cart = service('cart');
    store.apply({ ...cart, spec: { ...(cart.spec as object), type: 'LoadBalancer' } }, { changeId });
    await settle();
    expect(nodePorts()).toEqual([expect.any(Number)]);
    store.apply({ ...cart, spec: { ...(cart.spec as object), type: 'ClusterIP' } }, { changeId });
    await settle();
    expect(nodePorts()).toEqual([undefined]);
  });

  it('keep an address that a text names, and give it to nobody else', async () => {
    store.apply(service('first', { clusterIP: '127.9.128.1' }), { changeId });
    await settle();
    store.apply(service('second'), { changeId });
    await settle();
    expect(store.get('Service', { namespace: 'default', name: 'second' })?.spec).toMatchObject({
      clusterIP: '127.9.128.2',
    });
  });

  it('place a load balancer at the address that its Service asks for, once nobody else has it', async () => {
    const balanced = (name: string, loadBalancerIP: string) => {
      const plain = service(name);
      return { ...plain, spec: { ...(plain.spec as object), type: 'LoadBalancer', loadBalancerIP } };
    };
    const ingressOf = (name: string): unknown =>
      (store.get('Service', { namespace: 'default', name })!.status as { loadBalancer: { ingress?: unknown } })
        .loadBalancer.ingress;
    const at = (ip: string) => [{ ip, ipMode: 'VIP' }];
    for (const object of [
      balanced('first', '127.9.200.7'),
      balanced('second', '127.9.200.7'),
      balanced('third', '10.0.0.7'),
      balanced('fourth', ''),
    ]) {
      store.apply(object, { changeId });
      await settle();
    }
    const { clusterIP } = store.get('Service', { namespace: 'default', name: 'fourth' })!.spec as { clusterIP: string };
    expect(['first', 'second', 'third', 'fourth'].map(ingressOf)).toEqual([
      at('127.9.200.7'),
      undefined,
      undefined,
      at(clusterIP),
    ]);
    store.apply(balanced('first', '127.9.200.8'), { changeId });
    await settle();
    expect(['first', 'second'].map(ingressOf)).toEqual([at('127.9.200.8'), at('127.9.200.7')]);
  });

  it('leave a headless Service without an address', async () => {
    store.apply(service('cart', { clusterIP: 'None' }), { changeId });
    await settle();
    expect(store.get('Service', { namespace: 'default', name: 'cart' })?.spec).toMatchObject({ clusterIP: 'None' });
  });

  it('give each namespace a default account and the root certificate', async () => {
    store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, { changeId });
    await settle();
    expect(store.get('ServiceAccount', { namespace: 'shop', name: 'default' })).toBeDefined();
    const root = store.get('ConfigMap', { namespace: 'shop', name: 'istio-ca-root-cert' });
    expect(root?.['data']).toEqual({ 'root-cert.pem': 'PEM' });
  });

  it('publish nothing where istiod does not look, until it does, and never in namespaces of Kubernetes’ own', async () => {
    left = 'out';
    const roots = (namespace: string) => store.get('ConfigMap', { namespace, name: 'istio-ca-root-cert' });
    for (const name of ['out', 'kube-public', 'kube-node-lease'])
      store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { changeId });
    await settle();
    expect(store.get('ServiceAccount', { namespace: 'out', name: 'default' })).toBeDefined();
    expect(['out', 'kube-public', 'kube-node-lease'].map(roots)).toEqual([undefined, undefined, undefined]);
    left = undefined;
    const mesh = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio', namespace: 'default' } };
    store.create({ ...mesh, data: { mesh: '' } }, { changeId });
    await settle();
    expect(roots('out')).toBeDefined();
    left = 'out';
    store.delete('ConfigMap', { namespace: 'out', name: 'istio-ca-root-cert' }, { changeId });
    await settle();
    expect(roots('out')).toBeUndefined();
  });
});

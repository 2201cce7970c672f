import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { seededRandom } from '#domain';
import type { KubeStore } from '#kube-api';
import { startDeploymentController } from '../../../server/sandbox/controllers/deployments.ts';
import { startReplicaSetController } from '../../../server/sandbox/controllers/replica-sets.ts';
import { startServiceController } from '../../../server/sandbox/controllers/services.ts';
import type { Kubelet } from '../../../server/sandbox/kubelet/kubelet.ts';
import type { PodRuntime } from '../../../server/sandbox/kubelet/pod-runtime.ts';
import { admitPod } from '../../../server/sandbox/mesh/injection.ts';
import { addressPlan, servicePool } from '../../../server/sandbox/network/addresses.ts';
import { bodyOf, eventually } from '../workloads/support.ts';
import { startNode, type TestNode } from './node.ts';
import { changeId, deployment, service } from './support.ts';

const plan = addressPlan(218);

describe('the node', () => {
  let node: TestNode;
  let store: KubeStore;
  let kubelet: Kubelet;
  let clock: TestNode['clock'];
  let stops: (() => void)[];

  beforeEach(() => {
    node = startNode(218);
    ({ store, kubelet, clock } = node);
    const onError = (what: string, error: unknown): void => {
      throw new Error(what, { cause: error });
    };
    const stopReplicaSets = startReplicaSetController({
      store,
      clock,
      random: seededRandom('node'),
      admit: (pod) => admitPod(store, pod),
      onError,
    });
    stops = [
      startDeploymentController({ store, clock, onError }),
      stopReplicaSets,
      startServiceController({ store, addresses: servicePool(plan), onError }),
    ];
  });
  afterEach(async () => {
    for (const stop of stops) stop();
    await node.stop();
  });

  const podOf = (app: string): PodRuntime | undefined => kubelet.pods.find(({ labels }) => labels['app'] === app);
  const stored = (app: string): KubeObject | undefined => store.list('Pod', { labelSelector: `app=${app}` })[0];
  const phaseReady = (app: string): boolean =>
    JSON.stringify(stored(app)?.status ?? {}).includes('"type":"Ready","status":"True"');
  const run = async (...apps: { name: string; env?: Record<string, string>; lifecycle?: object }[]): Promise<void> => {
    for (const { name, env = {}, ...rest } of apps) {
      const variables = Object.entries(env).map(([key, value]) => ({ name: key, value }));
      store.apply(service(name, { ports: [{ name: 'http', port: 8080 }] }), { changeId });
      store.apply(deployment(name, {}, { image: `meshwork/${name}:1.0`, env: variables, ...rest }), { changeId });
    }
    await eventually(() => apps.every(({ name }) => phaseReady(name)));
    await eventually(() =>
      store.list('EndpointSlice').every((slice) => (slice['endpoints'] as unknown[]).length === 1),
    );
  };
  const events = (): string[] => store.list('Event').map((event) => `${event['reason']}: ${event['message']}`);

  it('runs three services that call one another by name, without any proxy', async () => {
    await run(
      { name: 'frontend', env: { UPSTREAMS: 'http://cart:8080' } },
      { name: 'cart', env: { UPSTREAMS: 'http://inventory:8080' } },
      { name: 'inventory' },
    );
    const response = await podOf('frontend')!.fetch('http://frontend:8080/');
    expect(response.status).toBe(200);
    expect(bodyOf(response)).toMatchObject({
      service: 'frontend',
      upstreams: [{ status: 200, body: { service: 'cart', inventory: { service: 'inventory' } } }],
    });
    expect(podOf('cart')?.containers).toMatchObject([{ name: 'cart', ready: true, state: 'Running', kind: 'app' }]);
    expect(podOf('cart')?.appListeners).toEqual([{ ip: '0.0.0.0', port: 8080 }]);
  });

  it('writes the status that kubectl shows', async () => {
    await run({ name: 'inventory' });
    expect(stored('inventory')?.status).toMatchObject({
      phase: 'Running',
      podIP: podOf('inventory')?.ip,
      hostIP: plan.node,
      conditions: [
        { type: 'PodScheduled', status: 'True' },
        { type: 'Initialized', status: 'True' },
        { type: 'ContainersReady', status: 'True' },
        { type: 'Ready', status: 'True' },
      ],
      containerStatuses: [{ name: 'inventory', ready: true, restartCount: 0, state: { running: {} } }],
    });
    expect(events()).toContain('Started: Started container inventory');
  });

  it('answers harmless commands inside a container', async () => {
    await run({ name: 'inventory' });
    const pod = podOf('inventory')!;
    expect(pod.exec('inventory', ['hostname'])).toEqual({ stdout: `${pod.name}\n`, exitCode: 0 });
    expect(pod.exec('inventory', ['ss', '-ltn'])?.stdout).toContain('0.0.0.0:8080');
    expect(pod.exec('inventory', ['printenv', 'INVENTORY_SERVICE_PORT'])?.stdout).toBe('8080\n');
    expect(pod.exec('inventory', ['cat', '/etc/resolv.conf'])?.stdout).toContain('search default.svc.cluster.local');
    expect(pod.exec('inventory', ['rm', '-rf', '/'])).toBeUndefined();
  });

  it('keeps a pod that uses more than it may as failed, and another takes its place', async () => {
    await run({ name: 'inventory' });
    const { name } = podOf('inventory')!;
    podOf('inventory')?.evict('Usage of EmptyDir volume "a" exceeds the limit "1Ki". ');
    const pods = (): KubeObject[] => store.list('Pod', { labelSelector: 'app=inventory' });
    await eventually(() =>
      pods().some(
        ({ metadata, status }) =>
          metadata.name !== name && JSON.stringify(status ?? {}).includes('"type":"Ready","status":"True"'),
      ),
    );
    expect(pods()).toHaveLength(2);
    expect(store.get('Pod', { namespace: 'default', name })?.status).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "a" exceeds the limit "1Ki". ',
      conditions: [{}, {}, {}, {}, { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }],
      containerStatuses: [{ ready: false, state: { terminated: { exitCode: 137, reason: 'Error' } } }],
    });
    expect(events()).toContain('Evicted: Usage of EmptyDir volume "a" exceeds the limit "1Ki". ');
  });

  it('names the images that exist when one does not, and backs off', async () => {
    store.apply(deployment('postgres', {}, { image: 'postgres:17' }), { changeId });
    await eventually(() => podOf('postgres')?.containers[0]?.state === 'ErrImagePull');
    expect(podOf('postgres')?.containers[0]?.message).toContain('examples-bookinfo-productpage-v1');
    clock.advance(10_000);
    expect(podOf('postgres')?.containers[0]?.state).toBe('ImagePullBackOff');
    await eventually(() => JSON.stringify(stored('postgres')?.status ?? {}).includes('ImagePullBackOff'));
    expect(stored('postgres')?.status).toMatchObject({ phase: 'Pending' });
  });

  it('starts a crashed container again at once, then after a back-off that doubles', async () => {
    const twice = { name: 'second', image: 'meshwork/inventory:1.0' };
    const first = { name: 'first', image: 'meshwork/inventory:1.0' };
    store.apply(
      deployment('twins', {
        template: { metadata: { labels: { app: 'twins' } }, spec: { containers: [first, twice] } },
      }),
      { changeId },
    );
    const second = () => podOf('twins')?.containers.find(({ state }) => state === 'CrashLoopBackOff');
    await eventually(() => second() !== undefined);
    expect(second()).toMatchObject({ restarts: 1, message: expect.stringContaining('back-off 10s') });
    clock.advance(10_000);
    await eventually(() => second()?.restarts === 2);
    expect(second()?.message).toContain('back-off 20s');
    expect(podOf('twins')?.logs(second()!.name).join('\n')).toContain('EADDRINUSE');
  });

  it('keeps a deleted pod answering until its drain is over', async () => {
    await run({ name: 'inventory' });
    const pod = podOf('inventory')!;
    store.delete('Deployment', { namespace: 'default', name: 'inventory' }, { changeId });
    await eventually(() => kubelet.pods.length === 0);
    expect((await pod.fetch(`http://${pod.ip}:8080/`)).status).toBe(200);
    clock.advance(500);
    await eventually(() => clock.waiting === 0);
    await expect(pod.fetch(`http://${pod.ip}:8080/`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('shows a deleted pod as one that ends, until its hook and its drain are over, and takes its time from the deletion', async () => {
    const lifecycle = { preStop: { sleep: { seconds: 20 } } };
    await run({ name: 'inventory', lifecycle });
    const pod = podOf('inventory')!;
    const name = { namespace: 'default', name: pod.name };
    const stored = (): KubeObject | undefined => store.get('Pod', name);
    store.delete('Pod', name, { changeId });
    await eventually(() => kubelet.pods.every((each) => each !== pod));
    clock.advance(19_000);
    expect((await pod.fetch(`http://${pod.ip}:8080/`)).status).toBe(200);
    expect(stored()?.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 });
    expect(kubelet.pod(`default/${pod.name}`)).toBe(pod);
    clock.advance(1000);
    await eventually(() => stored() === undefined);
    await expect(pod.fetch(`http://${pod.ip}:8080/`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('waits for no hook when the time of a deleted pod is up', async () => {
    await run({ name: 'inventory', lifecycle: { preStop: { sleep: { seconds: 20 } } } });
    const pod = podOf('inventory')!;
    const name = { namespace: 'default', name: pod.name };
    store.delete('Pod', name, { changeId, gracePeriodSeconds: 3 });
    await eventually(() => kubelet.pods.every((each) => each !== pod));
    clock.advance(2000);
    expect(store.get('Pod', name)).toBeDefined();
    clock.advance(1000);
    await eventually(() => store.get('Pod', name) === undefined);
  });

  it('calls a rollout complete when the old pod has ended, which its ReplicaSet counts no more', async () => {
    await run({ name: 'inventory' });
    const status = (): object => store.get('Deployment', { namespace: 'default', name: 'inventory' })?.status ?? {};
    store.apply(deployment('inventory', {}, { image: 'meshwork/inventory:2.0' }), { changeId });
    await eventually(() => kubelet.pods.length === 1 && kubelet.pods[0]?.ready === true && clock.waiting > 0);
    expect(status()).toMatchObject({ replicas: 2, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 });
    expect(
      store
        .list('ReplicaSet')
        .map((set) => (set.status as { replicas: number }).replicas)
        .sort(),
    ).toEqual([0, 1]);
    clock.advance(500);
    await eventually(() => (status() as { replicas?: number }).replicas === 1);
    expect(store.list('Pod')).toHaveLength(1);
  });

  it('adds a sidecar to new pods of a labelled namespace, and to no others', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'default', labels: { app: 'cart', version: 'v2' } },
      spec: { containers: [{ name: 'cart', image: 'meshwork/cart' }] },
    };
    expect(admitPod(store, pod).spec.containers).toHaveLength(1);
    const optIn = {
      ...pod,
      metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, 'sidecar.istio.io/inject': 'true' } },
    };
    expect(admitPod(store, optIn).spec.containers).toHaveLength(2);
    const label = { metadata: { labels: { 'istio-injection': 'enabled' } } };
    store.patch('Namespace', { namespace: '', name: 'default' }, label, { changeId });
    const injected = admitPod(store, pod);
    expect(injected.spec.containers.map(({ name }) => name)).toEqual(['cart', 'istio-proxy']);
    expect(injected.spec.initContainers?.map(({ name }) => name)).toEqual(['istio-init']);
    expect(injected.metadata.labels).toMatchObject({
      'security.istio.io/tlsMode': 'istio',
      'service.istio.io/canonical-name': 'cart',
      'service.istio.io/canonical-revision': 'v2',
    });
    expect(injected.metadata.annotations).toHaveProperty(['sidecar.istio.io/status']);
    expect(admitPod(store, injected)).toMatchObject({ spec: { containers: [{}, {}] } });
    const optOut = { ...pod, metadata: { ...pod.metadata, annotations: { 'sidecar.istio.io/inject': 'false' } } };
    expect(admitPod(store, optOut).spec.containers).toHaveLength(1);
  });
});

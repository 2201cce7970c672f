import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { seededRandom } from '#domain';
import type { KubeStore } from '#kube-api';
import { startDaemonSetController } from '../../../server/sandbox/controllers/daemon-sets.ts';
import { startBudgetController } from '../../../server/sandbox/controllers/disruption-budgets.ts';
import { createEventRecorder } from '../../../server/sandbox/controllers/event-recorder.ts';
import { startTaintEvictions } from '../../../server/sandbox/controllers/taint-evictions.ts';
import type { PodObject } from '../../../server/sandbox/kube-types.ts';
import { chooseNode } from '../../../server/sandbox/mesh/choose-node.ts';
import { admitPlain } from '../../../server/sandbox/mesh/injection.ts';
import { changeId, newStore, settle } from './support.ts';

const containers = [{ name: 'app', image: 'meshwork/inventory:1.0' }];
const pod = (name: string, spec: object = {}, labels: Record<string, string> = {}): PodObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels },
  spec: { containers, ...spec },
});
const node = (name: string, spec: object = {}, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
  spec,
});
const preempts = (nodes: number): string =>
  `preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`;

let store: KubeStore;
let clock: ReturnType<typeof newStore>['clock'];
let stops: (() => void)[] = [];
beforeEach(() => {
  const made = newStore();
  ({ store, clock } = made);
  const options = {
    store,
    clock: made.clock,
    onError: (what: string, error: unknown) => expect.fail(`${what}: ${error}`),
  };
  const events = createEventRecorder({ store, clock, component: 'test' });
  stops = [
    startBudgetController({ ...options, events }),
    startTaintEvictions({ ...options, events }),
    startDaemonSetController({ ...options, admit: (each) => admitPlain(store, each), random: seededRandom('d') }),
  ];
});
afterEach(() => {
  for (const stop of stops) stop();
});

describe('a pod that fits nowhere hears of every node why', () => {
  const TAINT = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
  const group = (terms: object[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms });
  const near = (app: string) => group([{ labelSelector: { matchLabels: { app } }, topologyKey: 'zone' }]);
  it.each([
    ['a cordon', {}, { unschedulable: true }, '1 node(s) were unschedulable'],
    ['a taint', {}, { taints: [TAINT] }, '1 node(s) had untolerated taint {gpu: yes}'],
    ['a selector', { nodeSelector: { disk: 'ssd' } }, {}, "1 node(s) didn't match Pod's node affinity/selector"],
    ['company', { affinity: { podAffinity: near('nobody') } }, {}, "1 node(s) didn't match pod affinity rules"],
  ])('%s', (_what, spec, nodeSpec, reason) => {
    store.create(node('one', nodeSpec, { zone: 'a' }), { changeId });
    const message = `0/1 nodes are available: ${reason}. ${preempts(1)}`;
    expect(chooseNode(store, pod('web', spec))).toEqual({ message });
  });

  it('and bears with what it tolerates, keeps away from whom it must, and takes the emptiest of the rest', () => {
    store.create(node('one', { taints: [TAINT] }, { zone: 'a' }), { changeId });
    store.create(node('two', {}, { zone: 'b' }), { changeId });
    const tolerant = { tolerations: [{ key: 'gpu', operator: 'Exists' }] };
    expect(chooseNode(store, pod('web'))).toEqual({ node: 'two' });
    store.create(pod('first', { nodeName: 'two' }, { app: 'web' }), { changeId });
    expect(chooseNode(store, pod('web', tolerant))).toEqual({ node: 'one' });
    const apart = { affinity: { podAntiAffinity: near('web') } };
    expect(chooseNode(store, pod('web', { ...apart, ...tolerant }))).toEqual({ node: 'one' });
    expect(chooseNode(store, pod('web', apart))).toEqual({
      message:
        "0/2 nodes are available: 1 node(s) didn't match pod anti-affinity rules, 1 node(s) had untolerated taint {gpu: yes}. " +
        'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    });
  });
});

it('runs one pod of a DaemonSet on each node that it fits on, and follows nodes that come', async () => {
  const template = { metadata: { labels: { app: 'agent' } }, spec: { containers, nodeSelector: { agent: 'yes' } } };
  const spec = { selector: { matchLabels: { app: 'agent' } }, template };
  store.create(node('one', { unschedulable: true }, { agent: 'yes' }), { changeId });
  store.create(node('two'), { changeId });
  const metadata = { name: 'agent', namespace: 'default' };
  store.create({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec }, { changeId });
  await settle();
  const places = (): unknown[] =>
    store
      .list('Pod')
      .map((each) => (each as PodObject).spec.nodeName)
      .sort();
  expect(places()).toEqual(['one']);
  store.create(node('three', {}, { agent: 'yes' }), { changeId });
  await settle();
  expect(places()).toEqual(['one', 'three']);
  expect(store.get('DaemonSet', metadata)?.status).toMatchObject({ desiredNumberScheduled: 2, numberMisscheduled: 0 });
  store.patch('Node', { namespace: '', name: 'one' }, { metadata: { labels: { agent: null } } }, { changeId });
  await settle();
  const ending = store.list('Pod').filter((each) => each.metadata.deletionTimestamp !== undefined);
  expect(ending.map((each) => (each as PodObject).spec.nodeName)).toEqual(['one']);
});

it('puts new pods of a DaemonSet beside the old where maxSurge says so, on so many nodes at a time', async () => {
  for (const name of ['one', 'two']) store.create(node(name), { changeId });
  const template = (image: string) => ({
    metadata: { labels: { app: 'agent' } },
    spec: { containers: [{ name: 'app', image }] },
  });
  const metadata = { name: 'agent', namespace: 'default' };
  const spec = {
    selector: { matchLabels: { app: 'agent' } },
    template: template('meshwork/inventory:1.0'),
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  };
  store.create({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec }, { changeId });
  const present = (): PodObject[] =>
    (store.list('Pod') as PodObject[]).filter((each) => each.metadata.deletionTimestamp === undefined);
  const isNew = ({
    spec: {
      containers: [first],
    },
  }: PodObject): boolean => first?.image === 'meshwork/inventory:2.0';
  const markReady = async (): Promise<void> => {
    await settle();
    for (const { metadata: pod, status } of present()) {
      const conditions = [{ type: 'Ready', status: 'True' }];
      if (status?.conditions === undefined)
        store.updateStatus(
          'Pod',
          { namespace: 'default', name: pod.name },
          { phase: 'Running', conditions },
          { changeId },
        );
    }
    await settle();
  };
  await markReady();
  store.patch('DaemonSet', metadata, { spec: { template: template('meshwork/inventory:2.0') } }, { changeId });
  await settle();
  expect([present().length, present().filter(isNew).length]).toEqual([3, 1]);
  expect(store.get('DaemonSet', metadata)?.status).toMatchObject({ numberReady: 2, updatedNumberScheduled: 1 });
  await markReady();
  // The old pod of the first node has gone, and the second node has its second pod.
  expect([present().length, present().filter(isNew).length]).toEqual([3, 2]);
  await markReady();
  expect(present().map(isNew)).toEqual([true, true]);
});

describe('a NoExecute taint', () => {
  const TAINT = { key: 'fire', effect: 'NoExecute' };
  const burn = async (): Promise<void> => {
    store.patch('Node', { namespace: '', name: 'one' }, { spec: { taints: [TAINT] } }, { changeId });
    await settle();
  };
  const left = (): string[] =>
    store.list('Pod').flatMap(({ metadata }) => (metadata.deletionTimestamp === undefined ? [metadata.name] : []));

  it('drives away who does not bear it, at once, and who bears it for a time when that is over', async () => {
    store.create(node('one'), { changeId });
    store.create(node('two'), { changeId });
    const bears = (more: object = {}) => ({
      nodeName: 'one',
      tolerations: [{ key: 'fire', operator: 'Exists', ...more }],
    });
    store.create(pod('plain', { nodeName: 'one' }), { changeId });
    store.create(pod('elsewhere', { nodeName: 'two' }), { changeId });
    store.create(pod('brave', bears()), { changeId });
    store.create(pod('patient', bears({ tolerationSeconds: 30 })), { changeId });
    await burn();
    expect(left().sort()).toEqual(['brave', 'elsewhere', 'patient']);
    clock.advance(29_000);
    await settle();
    expect(left().sort()).toEqual(['brave', 'elsewhere', 'patient']);
    clock.advance(1000);
    await settle();
    expect(left().sort()).toEqual(['brave', 'elsewhere']);
    expect(new Set(store.list('Event').map((event) => `${event['reason']}: ${event['message']}`))).toEqual(
      new Set([
        'TaintManagerEviction: Marking for deletion Pod default/plain',
        'TaintManagerEviction: Marking for deletion Pod default/patient',
      ]),
    );
  });

  it('that is taken away in time drives nobody away', async () => {
    store.create(node('one'), { changeId });
    store.create(pod('patient', { nodeName: 'one', tolerations: [{ operator: 'Exists', tolerationSeconds: 30 }] }), {
      changeId,
    });
    await burn();
    store.patch('Node', { namespace: '', name: 'one' }, { spec: { taints: null } }, { changeId });
    await settle();
    clock.advance(60_000);
    await settle();
    expect(left()).toEqual(['patient']);
  });

  it('of a node that is not ready is borne by every pod for five minutes', () => {
    const { tolerations } = admitPlain(
      store,
      pod('web', { tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists' }] }),
    ).spec as { tolerations?: object[] };
    expect(tolerations).toEqual([
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists' },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ]);
  });
});

describe('a disruption budget counts', () => {
  const status = (): object =>
    (store.get('PodDisruptionBudget', { namespace: 'default', name: 'web' })?.status ?? {}) as object;
  const start = async (spec: object): Promise<void> => {
    const metadata = { name: 'web', namespace: 'default' };
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers } };
    const selector = { matchLabels: { app: 'web' } };
    const set = store.create(
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: { replicas: 4, selector, template } },
      { changeId },
    );
    const owner = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web',
      uid: set.metadata.uid ?? '',
      controller: true,
    };
    for (const name of ['a', 'b', 'c']) {
      const made = pod(name, { nodeName: 'one' }, { app: 'web' });
      store.create({ ...made, metadata: { ...made.metadata, ownerReferences: [owner] } }, { changeId });
      const conditions = [{ type: 'Ready', status: 'True' }];
      store.updateStatus('Pod', { namespace: 'default', name }, { phase: 'Running', conditions }, { changeId });
    }
    store.create(
      { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec: { selector, ...spec } },
      { changeId },
    );
    await settle();
  };
  it.each([
    [{ minAvailable: 2 }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    [{ minAvailable: '50%' }, { expectedPods: 4, desiredHealthy: 2, disruptionsAllowed: 1 }],
    [{ maxUnavailable: 2 }, { expectedPods: 4, desiredHealthy: 2, disruptionsAllowed: 1 }],
    [{ maxUnavailable: '25%' }, { expectedPods: 4, desiredHealthy: 3, disruptionsAllowed: 0 }],
  ])('%o of three healthy pods, where four are wanted', async (spec, counts) => {
    await start(spec);
    expect(status()).toMatchObject({ ...counts, currentHealthy: 3, observedGeneration: 1 });
  });

  it('no pod as healthy that ends', async () => {
    await start({ minAvailable: 2 });
    store.delete('Pod', { namespace: 'default', name: 'a' }, { changeId });
    await settle();
    expect(status()).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 0 });
    expect(status()).toMatchObject({
      conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }],
    });
  });

  it('nothing, and allows nothing, where nobody can say how many pods there should be', async () => {
    await start({ maxUnavailable: 2 });
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'u', controller: true };
    const made = pod('d', { nodeName: 'one' }, { app: 'web' });
    store.create({ ...made, metadata: { ...made.metadata, ownerReferences: [owner] } }, { changeId });
    await settle();
    const message = 'daemonsets.apps does not implement the scale subresource';
    expect(status()).toMatchObject({
      disruptionsAllowed: 0,
      currentHealthy: 3,
      conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message }],
    });
    expect(store.list('Event').map((event) => event['message'])).toContain(
      `Failed to calculate the number of expected pods: ${message}`,
    );
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { createHarness, type Harness, type Ran, turns } from './harness.ts';

const changeId = 'test';
let harness: Harness;
const run = (...lines: string[]): Promise<Ran> => harness.run(...lines);
const node = () =>
  harness.sandbox.store.get('Node', { namespace: '', name: 'one' }) as {
    spec?: { unschedulable?: boolean; taints?: object[] };
  };

beforeEach(() => {
  harness = createHarness();
  harness.sandbox.store.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'one' }, spec: {} }, { changeId });
});

describe('kubectl cordon and taint', () => {
  it('keep new pods away from a node, and let them come again', async () => {
    expect(await run('kubectl cordon one')).toMatchObject({ out: 'node/one cordoned\n', code: 0 });
    expect(node().spec?.unschedulable).toBe(true);
    expect((await run('kubectl cordon node/one')).out).toBe('node/one already cordoned\n');
    expect((await run('kubectl uncordon one')).out).toBe('node/one uncordoned\n');
    expect(node().spec?.unschedulable).toBeUndefined();
    expect(await run('kubectl cordon two')).toMatchObject({
      err: 'Error from server (NotFound): nodes "two" not found\n',
      code: 1,
    });
  });

  it('add taints, replace them when told to, and take them away by key and effect', async () => {
    expect((await run('kubectl taint nodes one gpu=yes:NoSchedule fire:NoExecute')).out).toBe('node/one tainted\n');
    expect(node().spec?.taints).toEqual([
      { key: 'gpu', value: 'yes', effect: 'NoSchedule' },
      { key: 'fire', effect: 'NoExecute' },
    ]);
    expect(await run('kubectl taint nodes one gpu=no:NoSchedule')).toMatchObject({
      err: 'error: node one already has gpu taint(s) with same effect(s) and --overwrite is false\n',
      code: 1,
    });
    expect((await run('kubectl taint node one gpu=no:NoSchedule fire- --overwrite')).out).toBe('node/one modified\n');
    expect(node().spec?.taints).toEqual([{ key: 'gpu', value: 'no', effect: 'NoSchedule' }]);
    expect((await run('kubectl taint node one gpu:NoSchedule-')).out).toBe('node/one untainted\n');
    expect((await run('kubectl taint node one gpu-')).err).toBe('error: taint "gpu" not found\n');
    expect((await run('kubectl taint node one gpu=a:Never')).err).toContain('invalid taint effect: Never');
  });
});

describe('kubectl drain', () => {
  const add = (name: string, more: { volumes?: object[]; owner?: string } = {}): void => {
    harness.sandbox.addPod({ name, labels: { app: 'web' } });
    const { store } = harness.sandbox;
    const ownerReferences = [
      { apiVersion: 'apps/v1', kind: more.owner ?? 'ReplicaSet', name: 'web', uid: 'u', controller: true },
    ];
    const spec = { nodeName: 'one', ...(more.volumes !== undefined && { volumes: more.volumes }) };
    const patch = { metadata: more.owner === '' ? {} : { ownerReferences }, spec };
    store.patch('Pod', { namespace: 'default', name }, patch, { changeId });
  };

  it('says which pods it may not move, each for its reason', async () => {
    add('agent', { owner: 'DaemonSet' });
    add('lone', { owner: '' });
    add('proxied', { volumes: [{ name: 'istio-envoy', emptyDir: {} }] });
    const { err, code } = await run('kubectl drain one');
    expect(code).toBe(1);
    expect(err).toContain('cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/agent');
    expect(err).toContain(
      'cannot delete Pods with local storage (use --delete-emptydir-data to override): default/proxied',
    );
    expect(err).toContain('cannot delete Pods that declare no controller (use --force to override): default/lone');
    expect(node().spec?.unschedulable).toBe(true);
  });

  it('evicts the pods, and waits for those that their budget holds', async () => {
    add('web-1');
    const { store, clock } = harness.sandbox;
    const budget = { namespace: 'default', name: 'web' };
    const spec = { selector: { matchLabels: { app: 'web' } }, minAvailable: 1 };
    store.create({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: budget, spec }, { changeId });
    const allow = (disruptionsAllowed: number) =>
      store.updateStatus(
        'PodDisruptionBudget',
        budget,
        { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, observedGeneration: 1 },
        { changeId },
      );
    allow(0);
    store.updateStatus(
      'Pod',
      { namespace: 'default', name: 'web-1' },
      { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      { changeId },
    );
    const draining = harness.start('kubectl drain one --grace-period=0');
    const refused =
      'error when evicting pods/"web-1" -n "default" (will retry after 5s): Cannot evict pod as it would violate the pod\'s disruption budget.\n';
    await expect.poll(() => draining.err()).toContain(refused);
    allow(1);
    await clock.run(5000);
    await turns();
    expect(draining.err().match(/evicting pod default\/web-1/g)).toHaveLength(2);
    expect(await draining.done).toMatchObject({
      out: 'node/one cordoned\npod/web-1 evicted\nnode/one drained\n',
      code: 0,
    });
  });
});

import { describe, expect, it } from 'vitest';
import type { KubeObject, NamespacedName } from '#domain';
import type { KubeStore } from '#kube-api';
import { change, configMap, deployment, kinds, newStore, podOwnedBy, record, refusal, service } from './cluster.ts';

const named = (name: string) => ({ namespace: 'default', name });

describe('writes', () => {
  it('gives a new object uid, creation time, generation and a rising resourceVersion', () => {
    const store = newStore();
    const first = store.create(deployment('a'), change);
    const second = store.create(deployment('b'), change);
    expect(first.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(first.metadata).toMatchObject({ creationTimestamp: '2026-03-01T10:00:00Z', generation: 1 });
    expect(Number(second.metadata.resourceVersion)).toBe(Number(first.metadata.resourceVersion) + 1);
    expect(store.resourceVersion()).toBe(second.metadata.resourceVersion);
  });

  it('hands out frozen objects and keeps none of the caller’s', () => {
    const store = newStore();
    const input = configMap('a', { x: '1' });
    const stored = store.create(input, change);
    (input['data'] as Record<string, string>)['x'] = '2';
    expect(stored['data']).toEqual({ x: '1' });
    expect(Object.isFrozen(stored) && Object.isFrozen(stored.metadata) && Object.isFrozen(stored['data'])).toBe(true);
  });

  it('raises generation for a change of the spec and not for labels or status', () => {
    const store = newStore();
    store.create(deployment('a'), change);
    const labelled = store.patch('Deployment', named('a'), { metadata: { labels: { x: 'y' } } }, change);
    expect(labelled.metadata.generation).toBe(1);
    const scaled = store.patch('Deployment', named('a'), { spec: { replicas: 3 } }, change);
    expect(scaled.metadata.generation).toBe(2);
    const observed = store.updateStatus('Deployment', named('a'), { readyReplicas: 3 }, change);
    expect(observed.metadata.generation).toBe(2);
    expect(observed.status).toEqual({ readyReplicas: 3 });
  });

  it('keeps resourceVersion and tells nobody when a write changes nothing', () => {
    const store = newStore();
    const created = store.create(configMap('a', { x: '1' }), change);
    const seen = record(store, 'ConfigMap');
    expect(store.update(created, change)).toBe(created);
    expect(store.patch('ConfigMap', named('a'), { data: { x: '1' } }, change)).toBe(created);
    expect(seen).toEqual(['ADDED ConfigMap/a']);
  });

  it('keeps the status when an update brings another', () => {
    const store = newStore();
    const created = store.create(deployment('a'), change);
    store.updateStatus('Deployment', named('a'), { readyReplicas: 1 }, change);
    const current = store.get('Deployment', named('a')) as KubeObject;
    const updated = store.update({ ...current, status: { readyReplicas: 9 } }, change);
    expect(updated.status).toEqual({ readyReplicas: 1 });
    expect(created.status).toEqual({});
  });

  it('refuses an update from a stale resourceVersion as a Conflict', () => {
    const store = newStore();
    const created = store.create(configMap('a'), change);
    store.patch('ConfigMap', named('a'), { data: { x: '1' } }, change);
    const error = refusal(() => store.update({ ...created, data: { x: '2' } }, change));
    expect(error.status).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(error.message).toContain('Operation cannot be fulfilled on configmaps "a": the object has been modified');
  });

  it('changes nothing in a dry run, and validates all the same', () => {
    const store = newStore();
    const before = store.resourceVersion();
    expect(store.create(configMap('a'), { ...change, dryRun: true }).metadata.name).toBe('a');
    expect(store.get('ConfigMap', named('a'))).toBeUndefined();
    expect(store.resourceVersion()).toBe(before);
    expect(refusal(() => store.create(configMap('A'), { ...change, dryRun: true })).reason).toBe('Invalid');
  });

  it('completes generateName with five characters', () => {
    const object = { ...configMap(''), metadata: { name: '', generateName: 'job-', namespace: 'default' } };
    expect(newStore().create(object, change).metadata.name).toMatch(/^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('stores every served version as the preferred one', () => {
    const store = newStore();
    const object: KubeObject = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'DestinationRule',
      metadata: { name: 'r', namespace: 'default' },
      spec: { host: 'reviews' },
    };
    expect(store.create(object, change).apiVersion).toBe('networking.istio.io/v1');
    expect(store.apply({ ...object, apiVersion: 'networking.istio.io/v1beta1' }, change).object.apiVersion).toBe(
      'networking.istio.io/v1',
    );
  });

  it('treats __proto__ in a patch as a key like any other', () => {
    const store = newStore();
    store.create(configMap('a', { x: '1' }), change);
    const patch = JSON.parse('{"data":{"__proto__":"v"}}') as unknown;
    store.patch('ConfigMap', named('a'), patch, change);
    expect(({} as Record<string, unknown>)['v']).toBeUndefined();
  });
});

describe('refusals', () => {
  it.each([
    [
      'an unknown kind',
      () => newStore().get('Nope', named('a')),
      404,
      `the server doesn't have a resource type "Nope"`,
    ],
    [
      'an unknown object',
      () => newStore().delete('vs', named('a'), change),
      404,
      'virtualservices.networking.istio.io "a" not found',
    ],
    [
      'a missing namespace',
      () => newStore().create({ ...configMap('a'), metadata: { name: 'a', namespace: 'x' } }, change),
      404,
      'namespaces "x" not found',
    ],
    [
      'an unknown field',
      () => newStore().create(deployment('a', { foo: 1 }), change),
      400,
      'strict decoding error: unknown field "spec.foo"',
    ],
    [
      'a wrong type',
      () => newStore().create(deployment('a', { replicas: '3' }), change),
      400,
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field ' +
        'DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'a foreign selector',
      () => newStore().create(deployment('a', { selector: { matchLabels: { app: 'b' } } }), change),
      422,
      '`selector` does not match template `labels`',
    ],
    [
      'a port out of range',
      () => newStore().create(service('a', { ports: [{ port: 70000 }] }), change),
      422,
      'spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
    [
      'two ports without names',
      () => newStore().create(service('a', { ports: [{ port: 1 }, { port: 2 }] }), change),
      422,
      'spec.ports[0].name: Required value',
    ],
    [
      'a service name that starts with a digit',
      () => newStore().create(service('1a', { ports: [{ port: 1 }] }), change),
      422,
      'a DNS-1035 label must consist of',
    ],
    [
      'a bad label',
      () => newStore().create({ ...configMap('a'), metadata: { name: 'a', labels: { x: 'a b' } } }, change),
      422,
      'metadata.labels: Invalid value: "a b": a valid label must be',
    ],
    [
      'more than 1.5 MiB',
      () => newStore().create(configMap('a', { x: 'y'.repeat(1_600_000) }), change),
      413,
      'Request entity too large',
    ],
    [
      'more objects than the quota',
      () => newStore({ maxObjects: 2 }).create(configMap('a'), change),
      403,
      'exceeded quota',
    ],
  ])('says Kubernetes’ words for %s', (_, act, code, words) => {
    const error = refusal(act);
    expect(error.message).toContain(words);
    expect(error.status).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code });
  });

  it('refuses a second object of the same name', () => {
    const store = newStore();
    store.create(configMap('a'), change);
    const error = refusal(() => store.create(configMap('a'), change));
    expect(error.status).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
    });
  });

  it('lists every cause of an Invalid object with its field', () => {
    const error = refusal(() =>
      newStore().create(deployment('a', { template: { spec: { containers: [{}] } } }), change),
    );
    expect(error.status.details).toMatchObject({ name: 'a', group: 'apps', kind: 'Deployment' });
    const causes = error.status.details?.causes ?? [];
    expect(causes.map((cause) => cause.field)).toContain('spec.template.spec.containers[0].name');
  });

  it('keeps an immutable selector', () => {
    const store = newStore();
    store.create(deployment('a'), change);
    const other = deployment('a', {
      selector: { matchLabels: { x: 'y' } },
      template: { metadata: { labels: { x: 'y' } }, spec: { containers: [{ name: 'app', image: 'img' }] } },
    });
    expect(refusal(() => store.apply(other, change)).message).toContain('spec.selector: Invalid value');
  });
});

describe('deletion', () => {
  it('deletes the content of a namespace before the namespace', () => {
    const store = newStore();
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, change);
    store.create({ ...configMap('a'), metadata: { name: 'a', namespace: 'shop' } }, change);
    store.create(configMap('kept'), change);
    const seen = record(store);
    seen.length = 0;
    store.delete('ns', { namespace: '', name: 'shop' }, change);
    expect(seen).toEqual(['MODIFIED Namespace/shop', 'DELETED ConfigMap/a', 'DELETED Namespace/shop']);
    expect(store.list('ConfigMap').map((each) => each.metadata.name)).toEqual(['kept']);
  });

  it('deletes what an owner owned, and the owned of the owned', () => {
    const store = newStore();
    const owner = store.create(deployment('a'), change);
    const middle = store.create(podOwnedBy('rs', [owner]), change);
    store.create(podOwnedBy('pod', [middle]), change);
    store.create(podOwnedBy('other', []), change);
    store.delete('Deployment', named('a'), change);
    expect(store.list('Pod').map((each) => each.metadata.name)).toEqual(['other']);
  });

  it('keeps an object while one of its owners lives', () => {
    const store = newStore();
    const first = store.create(configMap('first'), change);
    const second = store.create(configMap('second'), change);
    store.create(podOwnedBy('pod', [first, second]), change);
    store.delete('ConfigMap', named('first'), change);
    expect(store.get('Pod', named('pod'))?.metadata.ownerReferences?.map((each) => each.name)).toEqual(['second']);
    store.delete('ConfigMap', named('second'), change);
    expect(store.get('Pod', named('pod'))).toBeUndefined();
  });

  describe('gives a pod of a node its time to end', () => {
    const pod = (name: string): NamespacedName => named(name);
    const running = (name: string, spec: object = {}): KubeStore => {
      const store = newStore();
      const containers = [{ name: 'app', image: 'x' }];
      const metadata = { name, namespace: 'default' };
      store.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'n', containers, ...spec } }, change);
      return store;
    };
    const marks = (object: KubeObject | undefined): unknown[] => [
      object?.metadata.deletionTimestamp,
      object?.metadata.deletionGracePeriodSeconds,
    ];

    it('of 30 seconds, or what its spec or the client says, the client before the spec', () => {
      expect(marks(running('a').delete('Pod', pod('a'), change))).toEqual(['2026-03-01T10:00:30Z', 30]);
      const own = running('a', { terminationGracePeriodSeconds: 5 });
      expect(marks(own.delete('Pod', pod('a'), change))).toEqual(['2026-03-01T10:00:05Z', 5]);
      const asked = running('a', { terminationGracePeriodSeconds: 5 });
      expect(marks(asked.delete('Pod', pod('a'), { ...change, gracePeriodSeconds: 60 }))).toEqual([
        '2026-03-01T10:01:00Z',
        60,
      ]);
    });

    it('which a second deletion can only shorten, to nothing at all', () => {
      const store = running('a');
      const seen = record(store, 'Pod');
      store.delete('Pod', pod('a'), change);
      store.delete('Pod', pod('a'), { ...change, gracePeriodSeconds: 40 });
      expect(marks(store.get('Pod', pod('a')))).toEqual(['2026-03-01T10:00:30Z', 30]);
      store.delete('Pod', pod('a'), { ...change, gracePeriodSeconds: 10 });
      expect(marks(store.get('Pod', pod('a')))).toEqual(['2026-03-01T10:00:10Z', 10]);
      store.delete('Pod', pod('a'), { ...change, gracePeriodSeconds: 0 });
      expect(store.get('Pod', pod('a'))).toBeUndefined();
      expect(seen.map((line) => line.split(' ')[0])).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
    });

    it('unless it has ended already', () => {
      const store = running('a');
      store.updateStatus('Pod', pod('a'), { phase: 'Succeeded' }, change);
      store.delete('Pod', pod('a'), change);
      expect(store.get('Pod', pod('a'))).toBeUndefined();
    });

    it('and its namespace waits for it', () => {
      const store = running('a');
      store.delete('Namespace', { namespace: '', name: 'default' }, change);
      expect(store.get('Namespace', { namespace: '', name: 'default' })?.status).toEqual({ phase: 'Terminating' });
      store.delete('Pod', pod('a'), { ...change, gracePeriodSeconds: 0 });
      expect(store.get('Namespace', { namespace: '', name: 'default' })).toBeUndefined();
    });
  });

  it('waits for finalizers', () => {
    const store = newStore();
    store.create({ ...configMap('a'), metadata: { name: 'a', finalizers: ['x/y'] } }, change);
    expect(store.delete('ConfigMap', named('a'), change).metadata.deletionTimestamp).toBe('2026-03-01T10:00:00Z');
    store.patch('ConfigMap', named('a'), { metadata: { finalizers: null } }, change);
    expect(store.get('ConfigMap', named('a'))).toBeUndefined();
  });
});

describe('watch', () => {
  it('begins with the present objects and goes on in the order of the writes', () => {
    const store = newStore();
    store.create(configMap('a'), change);
    const seen = record(store, 'cm');
    store.patch('ConfigMap', named('a'), { data: { x: '1' } }, change);
    store.delete('ConfigMap', named('a'), change);
    expect(seen).toEqual(['ADDED ConfigMap/a', 'MODIFIED ConfigMap/a', 'DELETED ConfigMap/a']);
  });

  it('delivers what a handler writes after the event that it handles', () => {
    const store = newStore();
    store.watch('ConfigMap', ({ type, object }) => {
      if (type === 'ADDED' && object.metadata.name === 'a') store.create(configMap('b'), change);
    });
    const seen = record(store, 'ConfigMap');
    store.create(configMap('a'), change);
    expect(seen).toEqual(['ADDED ConfigMap/a', 'ADDED ConfigMap/b']);
  });

  it('never brings back an object that a handler deletes while the watch begins', () => {
    const store = newStore();
    store.create(configMap('a'), change);
    store.create(configMap('b'), change);
    const seen: string[] = [];
    store.watch('ConfigMap', ({ type, object }) => {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === 1) store.delete('ConfigMap', named('b'), change);
    });
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'DELETED b']);
  });

  it('ends when asked, and carries the change that caused each event', () => {
    const store = newStore();
    const ids: string[] = [];
    const stop = store.watch('ConfigMap', (event) => ids.push(event.changeId));
    store.create(configMap('a'), { changeId: 'first' });
    stop();
    store.delete('ConfigMap', named('a'), { changeId: 'second' });
    expect(ids).toEqual(['first']);
  });

  it('tells the other handlers when one fails, then throws', () => {
    const store = newStore();
    store.watch('ConfigMap', () => {
      throw new Error('broken');
    });
    const seen = record(store, 'ConfigMap');
    expect(() => store.create(configMap('a'), change)).toThrow('A watch handler failed');
    expect(seen).toEqual(['ADDED ConfigMap/a']);
  });
});

describe('the kind registry', () => {
  it.each([
    ['VirtualService', 'VirtualService'],
    ['virtualservices', 'VirtualService'],
    ['vs', 'VirtualService'],
    ['VS.networking.istio.io', 'VirtualService'],
    ['virtualservices.v1.networking.istio.io', 'VirtualService'],
    ['po', 'Pod'],
    ['deployment.apps', 'Deployment'],
  ])('finds %s', (word, kind) => {
    expect(kinds.find(word)?.kind).toBe(kind);
  });

  it('finds an object’s kind by any served version', () => {
    expect(kinds.forObject('networking.istio.io/v1alpha3', 'Gateway')?.kind).toBe('Gateway');
    expect(kinds.forObject('networking.istio.io/v2', 'Gateway')).toBeUndefined();
  });
});

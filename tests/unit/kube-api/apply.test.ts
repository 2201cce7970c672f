import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAST_APPLIED, mergePatch } from '#kube-api';
import { change, configMap, deployment, newStore, service } from './cluster.ts';

const named = (name: string) => ({ namespace: 'default', name });

describe('apply', () => {
  it('creates, then leaves alone, then configures', () => {
    const store = newStore();
    expect(store.apply(deployment('a'), change).outcome).toBe('created');
    const version = store.resourceVersion();
    expect(store.apply(deployment('a'), change).outcome).toBe('unchanged');
    expect(store.resourceVersion()).toBe(version);
    expect(store.apply(deployment('a', { replicas: 2 }), change).outcome).toBe('configured');
  });

  it('keeps what it applied in kubectl’s annotation', () => {
    const { object } = newStore().apply(configMap('a', { x: '1' }), change);
    expect(object.metadata.annotations?.[LAST_APPLIED]).toBe(
      '{"apiVersion":"v1","data":{"x":"1"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a","namespace":"default"}}\n',
    );
  });

  it('removes what was applied before and is applied no longer, and keeps what others wrote', () => {
    const store = newStore();
    store.apply(configMap('a', { mine: '1', gone: '1' }), change);
    store.patch('ConfigMap', named('a'), { data: { theirs: '1' } }, change);
    expect(store.apply(configMap('a', { mine: '2' }), change).object['data']).toEqual({ mine: '2', theirs: '1' });
  });

  it('keeps a field that another client set and the manifest leaves out', () => {
    const store = newStore();
    store.apply(deployment('a'), change);
    store.patch('Deployment', named('a'), { spec: { replicas: 5 } }, change);
    const { object } = store.apply(deployment('a', { paused: true }), change);
    expect(object.spec).toMatchObject({ replicas: 5, paused: true });
  });

  it('merges the lists of built-in kinds by their keys', () => {
    const store = newStore();
    store.apply(service('a', { ports: [{ name: 'http', port: 80 }] }), change);
    const ports = [{ name: 'http', port: 80, nodePort: 30080 }];
    store.patch('Service', named('a'), { spec: { ports } }, change);
    const again = store.apply(
      service('a', {
        ports: [
          { name: 'http', port: 80 },
          { name: 'grpc', port: 90 },
        ],
      }),
      change,
    );
    expect((again.object.spec as { ports: object[] }).ports).toMatchObject([
      { name: 'http', port: 80, nodePort: 30080 },
      { name: 'grpc', port: 90 },
    ]);
  });

  it('replaces the lists of Istio’s kinds whole', () => {
    const store = newStore();
    const rule = (names: string[]) => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'r', namespace: 'default' },
      spec: { host: 'reviews', subsets: names.map((name) => ({ name, labels: { version: name } })) },
    });
    store.apply(rule(['v1', 'v2']), change);
    const { object } = store.apply(rule(['v3']), change);
    expect((object.spec as { subsets: object[] }).subsets).toEqual([{ name: 'v3', labels: { version: 'v3' } }]);
  });

  it('takes an object that was created without apply', () => {
    const store = newStore();
    store.create(configMap('a', { x: '1' }), change);
    const { object, outcome } = store.apply(configMap('a', { y: '2' }), change);
    expect(outcome).toBe('configured');
    expect(object['data']).toEqual({ x: '1', y: '2' });
  });
});

describe('merge patch', () => {
  const json = fc.jsonValue({ maxDepth: 4 });

  it('replaces with what is not an object', () => {
    fc.assert(
      fc.property(json, fc.oneof(fc.integer(), fc.string(), fc.array(json)), (target, patch) => {
        expect(mergePatch(target, patch)).toEqual(patch);
      }),
    );
  });

  it('gives the same when it is applied twice', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it('removes what is null and leaves no null behind in objects', () => {
    expect(mergePatch({ a: 1, b: { c: 2, d: 3 } }, { a: null, b: { c: null, e: { f: null } } })).toEqual({
      b: { d: 3, e: {} },
    });
  });
});

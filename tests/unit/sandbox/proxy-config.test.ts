import { beforeEach, describe, expect, it } from 'vitest';
import type { KubeStore } from '#kube-api';
import type { ContainerSpec, PodObject } from '../../../server/sandbox/kube-types.ts';
import { admitPod } from '../../../server/sandbox/mesh/injection.ts';
import { imageOfType } from '../../../server/sandbox/mesh/proxy-config.ts';
import { changeId, newMeshStore } from './support.ts';

const pod = (annotations: Record<string, string> = {}): PodObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'cart',
      namespace: 'shop',
      labels: { app: 'cart', 'sidecar.istio.io/inject': 'true' },
      annotations,
    },
    spec: { containers: [{ name: 'cart', image: 'meshwork/cart' }] },
  }) as PodObject;

describe('the settings of a proxy at injection', () => {
  let store: KubeStore;
  let tick: () => void;
  beforeEach(() => {
    const made = newMeshStore();
    store = made.store;
    tick = () => made.clock.advance(1000);
    for (const name of ['istio-system', 'shop', 'elsewhere'])
      store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { changeId });
  });

  const add = (namespace: string, name: string, spec: object): void => {
    store.apply(
      { apiVersion: 'networking.istio.io/v1beta1', kind: 'ProxyConfig', metadata: { namespace, name }, spec },
      { changeId },
    );
    tick();
  };
  const proxyOf = (given: PodObject): ContainerSpec => {
    const found = admitPod(store, given).spec.containers.find(({ name }) => name === 'istio-proxy');
    if (found === undefined) throw new Error('no proxy was injected');
    return found;
  };
  const env = (container: ContainerSpec): Record<string, string | undefined> =>
    Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));

  it('are told to the agent as an empty object when nobody sets any', () => {
    expect(env(proxyOf(pod()))).toEqual({ PROXY_CONFIG: '{}\n' });
  });

  it('join environment variables of root namespace, namespace, annotation and selected workload, the last winning', () => {
    add('istio-system', 'root', { environmentVariables: { A: 'root', B: 'root', C: 'root', D: 'root' } });
    add('shop', 'all', { environmentVariables: { B: 'shop', C: 'shop', D: 'shop' } });
    add('shop', 'cart', { selector: { matchLabels: { app: 'cart' } }, environmentVariables: { D: 'cart' } });
    const annotated = pod({ 'proxy.istio.io/config': 'proxyMetadata: { C: pod, D: pod }' });
    expect(env(proxyOf(annotated))).toEqual({
      PROXY_CONFIG: '{"proxyMetadata":{"A":"root","B":"shop","C":"pod","D":"cart"}}\n',
      A: 'root',
      B: 'shop',
      C: 'pod',
      D: 'cart',
    });
    const init = admitPod(store, annotated).spec.initContainers?.find(({ name }) => name === 'istio-init');
    expect(init?.env?.map(({ name }) => name)).toEqual(['A', 'B', 'C', 'D']);
  });

  it('come from the oldest of several of one level', () => {
    add('shop', 'z', { concurrency: 1 });
    add('shop', 'a', { concurrency: 2 });
    add('shop', 'selects-second', { selector: { matchLabels: { app: 'other' } }, concurrency: 3 });
    expect(env(proxyOf(pod()))['PROXY_CONFIG']).toBe('{"concurrency":1}\n');
  });

  it('ignore the selecting resources of other namespaces, and those of the root namespace', () => {
    add('istio-system', 'root', { selector: { matchLabels: { app: 'cart' } }, concurrency: 5 });
    add('elsewhere', 'all', { concurrency: 6 });
    expect(env(proxyOf(pod()))['PROXY_CONFIG']).toBe('{}\n');
  });

  it('keep concurrency 0, which means a thread for each core', () => {
    add('shop', 'all', { concurrency: 0 });
    expect(env(proxyOf(pod()))['PROXY_CONFIG']).toBe('{"concurrency":0}\n');
  });

  it('begin with the defaultConfig of the mesh', () => {
    store.apply(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'istio-system', name: 'istio' },
        data: { mesh: 'defaultConfig: { concurrency: 4, statusPort: 15020, proxyMetadata: { A: mesh } }' },
      },
      { changeId },
    );
    add('shop', 'all', { concurrency: 2 });
    expect(env(proxyOf(pod()))).toEqual({
      PROXY_CONFIG: '{"concurrency":2,"proxyMetadata":{"A":"mesh"}}\n',
      A: 'mesh',
    });
  });

  it('choose the variant of the image, which the annotation of the pod overrules', () => {
    add('shop', 'all', { image: { imageType: 'distroless' } });
    expect(proxyOf(pod()).image).toMatch(/proxyv2:[\d.]+-distroless$/);
    expect(proxyOf(pod({ 'sidecar.istio.io/proxyImageType': 'debug' })).image).toMatch(/proxyv2:[\d.]+-debug$/);
    expect(imageOfType('hub/proxyv2:1-debug', { image: { imageType: 'default' } }, {})).toBe('hub/proxyv2:1');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import type { KubeStore } from '#kube-api';
import type { ContainerSpec, PodObject } from '../../../server/sandbox/kube-types.ts';
import { bootstrapSettings } from '../../../server/sandbox/kubelet/bootstrap-settings.ts';
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
  /** What a proxy's settings put into its environment: its own variables are in each. */
  const env = (container: ContainerSpec): Record<string, string | undefined> => {
    const variables = container.env ?? [];
    const settings = variables.slice(variables.findIndex(({ name }) => name === 'TRUST_DOMAIN') + 1);
    return Object.fromEntries(
      [...variables.filter(({ name }) => name === 'PROXY_CONFIG'), ...settings].map(({ name, value }) => [name, value]),
    );
  };

  it('are told to the agent as an empty object when nobody sets any', () => {
    expect(env(proxyOf(pod()))).toEqual({ PROXY_CONFIG: '{}\n' });
  });

  it.each([
    ['', undefined],
    ['runtimeValues: { overload.global_downstream_max_connections: "7" }', 7],
    ['runtimeValues: { overload.global_downstream_max_connections: many }', undefined],
    ['proxyMetadata: { ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS: "5" }', 5],
    [
      'runtimeValues: { overload.global_downstream_max_connections: "7" }\nproxyMetadata: { ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS: "5" }',
      5,
    ],
  ])('%j limit the connections of its clients to %j', (config, limit) => {
    expect(bootstrapSettings(store, pod({ 'proxy.istio.io/config': config })).maxConnections).toBe(limit);
  });

  it.each([
    [{}, {}, 'delta'],
    [{ 'proxy.istio.io/config': 'proxyMetadata: { ISTIO_DELTA_XDS: "false" }' }, {}, 'state of the world'],
    [{ 'proxy.istio.io/config': 'proxyMetadata: { ISTIO_DELTA_XDS: "no" }' }, {}, 'delta'],
    [{ 'proxy.istio.io/config': 'proxyMetadata: { ISTIO_DELTA_XDS: "false" }' }, { ISTIO_DELTA_XDS: 'true' }, 'delta'],
    [{}, { ISTIO_DELTA_XDS: '0' }, 'state of the world'],
  ])('of %j, in a container with %j, ask istiod by %s', (annotations, environment, variant) => {
    expect(bootstrapSettings(store, pod(annotations as Record<string, string>), environment).variant).toBe(variant);
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

  it('join the headers that the mesh and the pod tell a proxy to leave out', () => {
    store.apply(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'istio-system', name: 'istio' },
        data: { mesh: 'defaultConfig: { proxyHeaders: { requestId: { disabled: true }, server: { value: mesh } } }' },
      },
      { changeId },
    );
    const annotated = pod({ 'proxy.istio.io/config': 'proxyHeaders: { server: { disabled: true } }' });
    expect(env(proxyOf(annotated))['PROXY_CONFIG']).toBe(
      '{"proxyHeaders":{"requestId":{"disabled":true},"server":{"disabled":true}}}\n',
    );
  });
});

describe('injection by the template that a pod names', () => {
  const namespaces = (): KubeStore => {
    const { store } = newMeshStore();
    for (const name of ['istio-system', 'shop']) {
      store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { changeId });
    }
    return store;
  };
  const container = { name: 'istio-proxy', image: 'auto', ports: [{ containerPort: 8080 }] };

  it('makes a gateway of a container with the image auto', () => {
    const given = pod({ 'inject.istio.io/templates': 'gateway' });
    const { metadata, spec } = admitPod(namespaces(), { ...given, spec: { containers: [container] } });
    expect(spec.containers).toMatchObject([
      {
        name: 'istio-proxy',
        image: expect.stringMatching(/proxyv2:/),
        args: expect.arrayContaining(['proxy', 'router']),
        ports: [{ containerPort: 15_090 }, { containerPort: 8080 }],
      },
    ]);
    expect(spec.initContainers).toBeUndefined();
    expect(spec['securityContext']).toEqual({
      sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
    });
    expect(metadata.labels?.['security.istio.io/tlsMode']).toBeUndefined();
    expect(metadata.annotations?.['proxy.istio.io/overrides']).toBe(
      '{"containers":[{"name":"istio-proxy","ports":[{"containerPort":8080}],"resources":{}}]}',
    );
  });

  it('joins a sidecar with what the pod says of it', () => {
    const own = { name: 'istio-proxy', image: 'auto', env: [{ name: 'TRUST_DOMAIN', value: 'mine' }] };
    const given = pod();
    const { spec } = admitPod(namespaces(), { ...given, spec: { containers: [...given.spec.containers, own] } });
    expect(spec.containers.map(({ name }) => name)).toEqual(['cart', 'istio-proxy']);
    const variables = spec.containers[1]?.env ?? [];
    expect(variables.filter(({ name }) => name === 'TRUST_DOMAIN')).toEqual([{ name: 'TRUST_DOMAIN', value: 'mine' }]);
    expect(variables.map(({ name }) => name)).toContain('ISTIO_META_WORKLOAD_NAME');
  });

  it('lets the application wait where the mesh says so, by a hook of the first container', () => {
    const store = namespaces();
    store.apply(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'istio-system', name: 'istio' },
        data: { mesh: 'defaultConfig: { holdApplicationUntilProxyStarts: true }' },
      },
      { changeId },
    );
    const { spec } = admitPod(store, pod());
    expect(spec.containers).toMatchObject([
      { name: 'istio-proxy', lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait'] } } } },
      { name: 'cart' },
    ]);
  });

  describe('as a sidecar container of Kubernetes', () => {
    const names = ({ spec }: PodObject) => ({
      init: (spec.initContainers ?? []).map(({ name }) => name),
      containers: spec.containers.map(({ name }) => name),
    });
    const AMONG_INIT = { init: ['istio-init', 'istio-proxy', 'first'], containers: ['cart'] };
    const BESIDE = { init: ['first', 'istio-init'], containers: ['cart', 'istio-proxy'] };
    const withInit = (annotations: Record<string, string> = {}): PodObject => {
      const given = pod(annotations);
      return { ...given, spec: { ...given.spec, initContainers: [{ name: 'first', image: 'busybox' }] } };
    };
    const istiod = (store: KubeStore, value: string): KubeStore => {
      const env = [{ name: 'ENABLE_NATIVE_SIDECARS', value }];
      const labels = { app: 'istiod' };
      const template = { metadata: { labels }, spec: { containers: [{ name: 'discovery', image: 'pilot', env }] } };
      const metadata = { namespace: 'istio-system', name: 'istiod' };
      const spec = { selector: { matchLabels: labels }, template };
      store.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec }, { changeId });
      return store;
    };
    const nodes = (store: KubeStore, ...versions: string[]): KubeStore => {
      for (const [i, kubeletVersion] of versions.entries())
        store.create(
          { apiVersion: 'v1', kind: 'Node', metadata: { name: `n${i}` }, status: { nodeInfo: { kubeletVersion } } },
          { changeId },
        );
      return store;
    };

    it('stands before the pod’s own init containers where the annotation asks for it', () => {
      const { metadata, spec } = admitPod(namespaces(), withInit({ 'sidecar.istio.io/nativeSidecar': 'true' }));
      expect(names({ metadata, spec } as PodObject)).toEqual(AMONG_INIT);
      expect(spec.initContainers?.[1]).toMatchObject({
        restartPolicy: 'Always',
        lifecycle: {
          preStop: { exec: { command: ['pilot-agent', 'request', '--debug-port=15020', 'POST', 'drain'] } },
        },
      });
      expect(JSON.parse(metadata.annotations?.['sidecar.istio.io/status'] ?? '')).toMatchObject({
        initContainers: ['istio-init', 'istio-proxy'],
        containers: null,
      });
    });

    it('follows istiod’s ENABLE_NATIVE_SIDECARS, which an annotation overrules', () => {
      const store = istiod(namespaces(), 'true');
      expect(names(admitPod(store, withInit()))).toEqual(AMONG_INIT);
      expect(names(admitPod(store, withInit({ 'sidecar.istio.io/nativeSidecar': 'false' })))).toEqual(BESIDE);
      expect(names(admitPod(istiod(namespaces(), 'false'), withInit()))).toEqual(BESIDE);
    });

    it('asks every node for its version where nothing is said', () => {
      expect(names(admitPod(nodes(namespaces(), 'v1.33.0', 'v1.34.2-eks'), withInit()))).toEqual(AMONG_INIT);
      expect(names(admitPod(nodes(namespaces(), 'v1.33.0', 'v1.32.9'), withInit()))).toEqual(BESIDE);
    });

    it('needs no hook to start first, and keeps what the pod says of it', () => {
      const own = { name: 'istio-proxy', image: 'auto', env: [{ name: 'Q', value: '1' }] };
      const given = withInit({
        'sidecar.istio.io/nativeSidecar': 'true',
        'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true',
        'sidecar.istio.io/interceptionMode': 'NONE',
      });
      const admitted = admitPod(namespaces(), {
        ...given,
        spec: { ...given.spec, containers: [...given.spec.containers, own] },
      });
      expect(names(admitted)).toEqual({ init: ['istio-proxy', 'first'], containers: ['cart'] });
      expect(admitted.spec.initContainers?.[0]?.env).toContainEqual({ name: 'Q', value: '1' });
      expect(admitted.spec.initContainers?.[0]).not.toHaveProperty('lifecycle.postStart');
      expect(admitted.metadata.annotations?.['proxy.istio.io/overrides']).toBe(
        '{"initContainers":[{"name":"istio-proxy","env":[{"name":"Q","value":"1"}],"resources":{}}]}',
      );
    });
  });

  it('sends Prometheus to the agent, which is told where the application’s own metrics are', () => {
    const { metadata, spec } = admitPod(namespaces(), pod({ 'prometheus.io/port': '9080' }));
    expect(metadata.annotations).toMatchObject({ 'prometheus.io/port': '15020', 'prometheus.io/scrape': 'true' });
    expect(spec.containers[1]?.env?.at(-1)).toEqual({
      name: 'ISTIO_PROMETHEUS_ANNOTATIONS',
      value: '{"scrape":"","path":"","port":"9080"}',
    });
    const apart = admitPod(namespaces(), pod({ 'prometheus.istio.io/merge-metrics': 'false' }));
    expect(apart.metadata.annotations?.['prometheus.io/port']).toBeUndefined();
  });
});

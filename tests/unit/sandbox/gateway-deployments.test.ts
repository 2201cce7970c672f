import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { seededRandom } from '#domain';
import { gatewayKinds, istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore, type KubeStore } from '#kube-api';
import { startGatewayDeployments } from '../../../server/sandbox/mesh/gateway-deployments.ts';
import { manualClock } from '../workloads/support.ts';
import { changeId, settle } from './support.ts';

describe('the proxy of a Kubernetes Gateway', () => {
  let store: KubeStore;
  let stop: () => void;
  let logged: string[];
  beforeEach(() => {
    logged = [];
    const kinds = createKindRegistry([...coreKinds, ...gatewayKinds, ...istioKinds]);
    store = createKubeStore({ kinds, clock: manualClock(), random: seededRandom('test') });
    stop = startGatewayDeployments({
      store,
      discovers: (namespace) => namespace !== 'left-out',
      log: (line) => logged.push(line),
      onError: (what, error) => {
        throw new Error(what, { cause: error });
      },
    });
  });
  afterEach(() => stop());

  const apply = async (spec: object, metadata: object = {}): Promise<void> => {
    const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
    const gateway = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'front', namespace: 'default', ...metadata },
      spec: { gatewayClassName: 'istio', listeners, ...spec },
    };
    store.apply(gateway, { changeId });
    await settle();
  };
  const get = (kind: string, name = 'front-istio'): KubeObject | undefined =>
    store.get(kind, { namespace: 'default', name });
  const ports = (): unknown => (get('Service')?.spec as { ports?: unknown } | undefined)?.ports;

  it('has its account, Deployment and Service by the names of Istio’s controller', async () => {
    await apply({});
    const labels = {
      'gateway.networking.k8s.io/gateway-name': 'front',
      'gateway.networking.k8s.io/gateway-class-name': 'istio',
    };
    for (const kind of ['ServiceAccount', 'Deployment', 'Service']) {
      expect(get(kind)?.metadata).toMatchObject({ labels, ownerReferences: [{ kind: 'Gateway', name: 'front' }] });
    }
    expect(get('Deployment')?.spec).toMatchObject({
      selector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'front' } },
      template: { spec: { serviceAccountName: 'front-istio', containers: [{ name: 'istio-proxy' }] } },
    });
    expect(get('Service')?.spec).toMatchObject({ type: 'LoadBalancer' });
  });

  it('has the image and the environment of the ProxyConfig that selects it by its name', async () => {
    const selector = { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'front' } };
    const spec = { selector, image: { imageType: 'distroless' }, environmentVariables: { LEVEL: 'low' } };
    const metadata = { namespace: 'default', name: 'front' };
    store.apply({ apiVersion: 'networking.istio.io/v1beta1', kind: 'ProxyConfig', metadata, spec }, { changeId });
    await apply({}, { annotations: { 'proxy.istio.io/config': 'proxyMetadata: { LEVEL: high }' } });
    expect(get('Deployment')?.spec).toMatchObject({
      template: {
        spec: {
          containers: [
            {
              image: expect.stringMatching(/-distroless$/),
              env: expect.arrayContaining([
                {
                  name: 'PROXY_CONFIG',
                  value: '{"proxyMetadata":{"LEVEL":"low"},"image":{"imageType":"distroless"}}\n',
                },
                { name: 'ISTIO_META_WORKLOAD_NAME', value: 'front-istio' },
                { name: 'LEVEL', value: 'low' },
              ]),
            },
          ],
        },
      },
    });
  });

  it('opens each port once, under the first listener’s name, and follows changes', async () => {
    const listener = (name: string, port: number, protocol = 'HTTP', hostname = `${name}.example`) => ({
      name,
      port,
      protocol,
      hostname,
    });
    await apply({ listeners: [listener('a.b', 80), listener('other', 80), listener('status-port', 81)] });
    expect(ports()).toMatchObject([
      { name: 'status-port', port: 15021, appProtocol: 'tcp' },
      { name: 'a-b', port: 80, targetPort: 80, appProtocol: 'http' },
      { name: 'status-port-81', port: 81 },
    ]);
    await apply({ listeners: [listener('a', 8080)] });
    expect(ports()).toMatchObject([{ port: 15021 }, { name: 'a', port: 8080 }]);
  });

  it('takes type, names, labels and annotations from where Istio does', async () => {
    const annotations = {
      'networking.istio.io/service-type': 'ClusterIP',
      'gateway.istio.io/name-override': 'own',
      'gateway.istio.io/service-account': 'who',
    };
    const infrastructure = { labels: { team: 'blue' }, annotations: { note: 'x' } };
    await apply({ infrastructure }, { annotations });
    expect(get('Service', 'own')?.spec).toMatchObject({ type: 'ClusterIP' });
    expect(get('ServiceAccount', 'who')?.metadata).toMatchObject({
      labels: { team: 'blue' },
      annotations: { note: 'x' },
    });
  });

  it.each([
    ['of another class', { gatewayClassName: 'nginx' }],
    [
      'whose address is a host name',
      { addresses: [{ type: 'Hostname', value: 'ingress.istio-gateways.svc.cluster.local' }] },
    ],
  ])('does not exist for a Gateway %s', async (_what, spec) => {
    await apply(spec);
    expect([store.list('Deployment'), store.list('Service')]).toEqual([[], []]);
  });

  it('leaves alone what somebody else made under the name', async () => {
    const metadata = { name: 'front-istio', namespace: 'default' };
    store.create({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 1 }] } }, { changeId });
    await apply({});
    expect(ports()).toMatchObject([{ port: 1 }]);
  });

  describe('with parameters', () => {
    const configMap = async (data: Record<string, string>, metadata: object = {}): Promise<void> => {
      const where = { name: 'opts', namespace: 'default', ...metadata };
      store.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: where, data }, { changeId });
      await settle();
    };
    const CLASS = {
      name: 'cls',
      namespace: 'istio-system',
      labels: { 'gateway.istio.io/defaults-for-class': 'istio' },
    };
    const infrastructure = { parametersRef: { group: '', kind: 'ConfigMap', name: 'opts' } };
    beforeEach(() => {
      store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } }, { changeId });
    });

    it('has its Deployment and Service patched as a strategic merge does, and follows changes', async () => {
      await configMap({
        deployment: 'spec: { replicas: 3, template: { spec: { containers: [{ name: beside, image: busybox }] } } }',
        service: 'spec: { type: NodePort, ports: [{ port: 80, nodePort: 30080 }] }',
      });
      await apply({ infrastructure });
      const containers = (): unknown[] => {
        const { template } = (get('Deployment')?.spec ?? {}) as {
          template: { spec: { containers: { name: string }[] } };
        };
        return template.spec.containers.map(({ name }) => name);
      };
      expect(containers()).toEqual(['beside', 'istio-proxy']);
      expect(get('Deployment')?.spec).toMatchObject({ replicas: 3 });
      expect(get('Service')?.spec).toMatchObject({ type: 'NodePort' });
      expect(ports()).toMatchObject([{ port: 15021 }, { name: 'http', port: 80, nodePort: 30080 }]);
      await configMap({ deployment: 'spec: { replicas: 2 }' });
      expect(get('Deployment')?.spec).toMatchObject({ replicas: 2 });
      expect(containers()).toEqual(['istio-proxy']);
      expect(get('Service')?.spec).toMatchObject({ type: 'LoadBalancer' });
    });

    it('has an autoscaler and a disruption budget only where somebody asks for them', async () => {
      await apply({ infrastructure });
      expect(store.list('HorizontalPodAutoscaler')).toEqual([]);
      await configMap({ horizontalPodAutoscaler: 'spec: { minReplicas: 2, maxReplicas: 4 }' });
      expect(get('HorizontalPodAutoscaler')?.spec).toMatchObject({
        minReplicas: 2,
        maxReplicas: 4,
        scaleTargetRef: { kind: 'Deployment', name: 'front-istio' },
      });
    });

    it('takes what is said of its class before what is said of itself', async () => {
      await configMap({ service: 'spec: { externalTrafficPolicy: Local, type: ClusterIP }' }, CLASS);
      await configMap({ service: 'spec: { type: NodePort }' });
      await apply({ infrastructure });
      expect(get('Service')?.spec).toMatchObject({ type: 'NodePort', externalTrafficPolicy: 'Local' });
    });

    it.each([
      ['a key that names none of its objects', { pod: '{}' }, 'unsupported overlay "pod"'],
      ['another name', { deployment: 'metadata: { name: x }' }, 'illegal metadata change'],
      ['other owners', { service: 'metadata: { finalizers: [a/b] }' }, 'illegal metadata change'],
    ])('keeps what it has, and istiod says why, for %s', async (_what, data, words) => {
      await apply({ infrastructure: { labels: { a: 'b' } } });
      await configMap(data);
      await apply({ infrastructure, listeners: [{ name: 'other', port: 81, protocol: 'HTTP' }] });
      expect(ports()).toMatchObject([{ port: 15021 }, { port: 80 }]);
      expect(logged.join('\n')).toContain(words);
    });

    it('waits for a ConfigMap that does not exist yet', async () => {
      await apply({ infrastructure });
      expect(get('Deployment')).toBeUndefined();
      expect(logged.join('\n')).toContain('configmap "default/opts", but configmap does not exist');
      await configMap({});
      expect(get('Deployment')).toBeDefined();
    });
  });

  it('copies the Gateway’s own labels and annotations where infrastructure has none, without those of the API', async () => {
    const metadata = {
      labels: { team: 'red' },
      annotations: { note: 'one', 'gateway.istio.io/controller-version': '5' },
    };
    await apply({ infrastructure: { annotations: { other: 'two', 'gateway.networking.k8s.io/x': 'y' } } }, metadata);
    expect(get('Service')?.metadata.annotations).toEqual({ other: 'two' });
    expect(get('Service')?.metadata.labels).toMatchObject({
      team: 'red',
      'gateway.istio.io/managed': expect.any(String),
    });
  });

  it('is left to a newer controller', async () => {
    await apply({}, { annotations: { 'gateway.istio.io/controller-version': '6' } });
    expect(store.list('Deployment')).toEqual([]);
  });

  it('is not there in a namespace that istiod does not look at', async () => {
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'left-out' } }, { changeId });
    await apply({}, { namespace: 'left-out' });
    await apply({});
    expect(store.list('Deployment').map(({ metadata }) => metadata.namespace)).toEqual(['default']);
  });
});

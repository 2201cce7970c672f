import { createObjectTables, createSnapshotDeriver, createTranslator, DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { type ProxyNode, type TypeUrl, typeUrls } from '#xds';
import { median } from './statistics.ts';

export interface TranslationReport {
  readonly services: number;
  readonly pods: number;
  readonly virtualServices: number;
  readonly changes: number;
  /** Snapshot and translation for the first proxy that a changed VirtualService reaches, encoded. */
  readonly firstProxyMs: number;
  /** The same for one proxy of each namespace. */
  readonly allProxiesMs: number;
  readonly proxies: number;
  /** Proxies whose configuration came out different, when the changed VirtualService is for its own namespace only. */
  readonly affectedProxies: number;
  /** Resource types of which any came out different. */
  readonly changedTypes: readonly string[];
}

const SERVICES = 1000;
const PODS_EACH = 2;
const RULES = 500;
const NAMESPACES = 10;
const START = Date.UTC(2026, 0, 1);

const namespaceOf = (i: number): string => `team-${i % NAMESPACES}`;
const created = (i: number): string => new Date(START + i * 1000).toISOString();

function serviceObjects(i: number): KubeObject[] {
  const [name, namespace] = [`service-${i}`, namespaceOf(i)];
  const metadata = { namespace, creationTimestamp: created(i) };
  const pods = Array.from({ length: PODS_EACH }, (_, pod) => ({
    name: `${name}-${pod}`,
    ip: `172.${16 + pod}.${i >> 8}.${i & 255}`,
    labels: { app: name, version: `v${pod}`, 'security.istio.io/tlsMode': 'istio' },
  }));
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, name },
      spec: {
        clusterIP: `10.${i >> 8}.${i & 255}.1`,
        selector: { app: name },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    },
    ...pods.map((pod) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: pod.name, labels: pod.labels },
      spec: { serviceAccountName: name, nodeName: 'node', containers: [] },
      status: { podIP: pod.ip, phase: 'Running' },
    })),
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints: pods.map((pod) => ({
        addresses: [pod.ip],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: pod.name, namespace },
      })),
    } as KubeObject,
  ];
}

function rule(i: number, weight: number): KubeObject {
  const host = `service-${i}`;
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: `rule-${i}`, namespace: namespaceOf(i), creationTimestamp: created(SERVICES + i) },
    spec: {
      hosts: [host],
      // Every second one is for its own namespace.
      ...(i % 2 === 1 && { exportTo: ['.'] }),
      http: [
        {
          match: [{ uri: { prefix: '/api' }, headers: { 'x-user': { exact: 'ann' } } }],
          route: [
            { destination: { host, subset: 'v0' }, weight },
            { destination: { host, subset: 'v1' }, weight: 100 - weight },
          ],
        },
        { route: [{ destination: { host, subset: 'v1' } }], timeout: '3s', retries: { attempts: 3 } },
      ],
    },
  };
}

const subsets = (i: number): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: `rule-${i}`, namespace: namespaceOf(i), creationTimestamp: created(SERVICES + i) },
  spec: {
    host: `service-${i}`,
    subsets: [
      { name: 'v0', labels: { version: 'v0' } },
      { name: 'v1', labels: { version: 'v1' } },
    ],
  },
});

const sidecarOf = (i: number): ProxyNode => ({
  id: `sidecar~172.16.${i >> 8}.${i & 255}~service-${i}-0.${namespaceOf(i)}~${namespaceOf(i)}.svc.cluster.local`,
  cluster: `service-${i}.${namespaceOf(i)}`,
  metadata: { NAMESPACE: namespaceOf(i) },
});

/** How long one changed VirtualService of a large mesh takes from the store to bytes, without the network. */
export function measureTranslation(changes: number): TranslationReport {
  const tables = createObjectTables();
  for (let i = 0; i < SERVICES; i++) for (const object of serviceObjects(i)) tables.apply('ADDED', object);
  for (let i = 0; i < RULES; i++) for (const object of [rule(i, 50), subsets(i)]) tables.apply('ADDED', object);
  const derive = createSnapshotDeriver(DEFAULT_MESH_CONFIG);
  const translator = createTranslator();
  const nodes = Array.from({ length: NAMESPACES }, (_, i) => sidecarOf(i));
  const translate = (node: ProxyNode) => translator.translate(derive(tables), node).resources;
  const first: number[] = [];
  const all: number[] = [];
  for (const node of nodes) translate(node);
  for (let change = 0; change < changes; change++) {
    tables.apply('MODIFIED', rule(0, 1 + change));
    const began = performance.now();
    for (const [position, node] of nodes.entries()) {
      translate(node);
      if (position === 0) first.push(performance.now() - began);
    }
    all.push(performance.now() - began);
  }
  const before = nodes.map(translate);
  tables.apply('MODIFIED', rule(1, 99));
  const after = nodes.map(translate);
  const changed = nodes.map((_, i) => typesThatDiffer(before[i]!, after[i]!));
  return {
    services: SERVICES,
    pods: SERVICES * PODS_EACH,
    virtualServices: RULES,
    changes,
    firstProxyMs: median(first),
    allProxiesMs: median(all),
    proxies: nodes.length,
    affectedProxies: changed.filter((types) => types.length > 0).length,
    changedTypes: [...new Set(changed.flat())],
  };
}

type Resources = ReturnType<ReturnType<typeof createTranslator>['translate']>['resources'];

function typesThatDiffer(before: Resources, after: Resources): string[] {
  const versions = (resources: Resources, type: TypeUrl): string =>
    [...(resources.get(type) ?? [])].map(([name, { version }]) => `${name} ${version}`).join('\n');
  return Object.entries(typeUrls)
    .filter(([, type]) => versions(before, type) !== versions(after, type))
    .map(([name]) => name);
}

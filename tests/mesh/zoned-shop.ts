import type { ManifestFile, Sandbox } from '#sandbox';

const node = (name: string, region: string, zone: string): string => `
apiVersion: v1
kind: Node
metadata:
  name: ${name}
  labels: { topology.kubernetes.io/region: ${region}, topology.kubernetes.io/zone: ${zone} }
`;

const workload = (name: string, nodes: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: 2
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata:
      labels: { app: ${name} }
      annotations: { proxy.istio.io/config: "proxyMetadata: { ISTIO_META_ENABLE_SELF_DISCOVERY: 'true' }" }
    spec:
      nodeSelector: { topology.kubernetes.io/region: ${nodes} }
      containers: [{ name: ${name}, image: mccutchen/go-httpbin, ports: [{ containerPort: 8080 }] }]
`;

const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: server }
spec: { host: server, trafficPolicy: { loadBalancer: { zoneAwareLbSetting: { minClusterSize: 1 } } } }
`;

const namespace = `
apiVersion: v1
kind: Namespace
metadata: { name: default, labels: { istio-injection: enabled } }
`;

/** Two nodes in two zones of one region, a caller and a server with a pod in each, and a rule that keeps requests in their zone. */
export const zonedShop: readonly ManifestFile[] = [
  {
    file: 'zones.yaml',
    text: [
      namespace,
      node('n1', 'eu', 'eu-1'),
      node('n2', 'eu', 'eu-2'),
      workload('caller', 'eu'),
      workload('server', 'eu'),
      rule,
    ].join('---'),
  },
];

export const SERVER = 'outbound|8080||server.default.svc.cluster.local';

type Pod = Sandbox['pods'][number];

export const podsOf = (sandbox: Sandbox, app: string): Pod[] =>
  sandbox.pods.filter(({ labels }) => labels['app'] === app);

export const addressesOf = (pods: readonly Pod[]): string[] => pods.map(({ ip }) => ip).sort();

export function nodeOf(sandbox: Sandbox, pod: string): string {
  const spec = sandbox.store.get('Pod', { namespace: 'default', name: pod })?.spec;
  return (spec as { nodeName?: string } | undefined)?.nodeName ?? '';
}

/** The nodes of the servers that answer so many requests of a caller. */
export async function nodesAsked(sandbox: Sandbox, caller: Pod, requests: number): Promise<string[]> {
  const hosts = new Set<string>();
  for (let i = 0; i < requests; i++) {
    const { status, body } = await caller.fetch('http://server:8080/hostname', { timeoutMs: 5000 });
    if (status !== 200) throw new Error(`the server answers ${status}`);
    hosts.add((JSON.parse(body.toString('utf8')) as { hostname: string }).hostname);
  }
  return [...hosts].map((host) => nodeOf(sandbox, host));
}

/** Of the proxy of a pod, the addresses that it knows of its own workload. */
export const ownAddresses = ({ proxy }: Pod): string[] =>
  (proxy?.admin.endpoints() ?? [])
    .filter(({ cluster }) => cluster === 'local_cluster')
    .map(({ address }) => address.ip)
    .sort();

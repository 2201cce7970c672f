import { OWN_USER_AGENT, type ProxyNode } from '#xds';
import type { ProxyOptions } from './doors.ts';
import type { ProxySelf } from './runtime.ts';

/** The only cluster of a lab, by the name that Istio gives one that has none. */
const CLUSTER_ID = 'Kubernetes';

/** How injection tells a proxy what owns its pod. */
const WORKLOAD_NAME = 'ISTIO_META_WORKLOAD_NAME';

const CANONICAL_NAME = 'service.istio.io/canonical-name';
const CANONICAL_REVISION = 'service.istio.io/canonical-revision';

/** Names of this proxy's workload, by Istio's rules for canonical service and revision. */
export function describeSelf(options: ProxyOptions, identity: string): ProxySelf {
  const { pod, role, environment = {} } = options;
  const { labels } = pod;
  const workload = environment[WORKLOAD_NAME] || workloadName(pod.name);
  const service = labels[CANONICAL_NAME] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? workload;
  const version = labels[CANONICAL_REVISION] ?? labels['app.kubernetes.io/version'] ?? labels['version'] ?? 'latest';
  return {
    role,
    pod: pod.name,
    namespace: pod.namespace,
    ip: pod.ip,
    spiffeId: identity,
    environment,
    node: xdsNode(options),
    service,
    version,
    workload,
    app: labels['app'] ?? '',
    appVersion: labels['version'] ?? '',
    cluster: CLUSTER_ID,
    inHops: {
      pod: pod.name,
      namespace: pod.namespace,
      service,
      version,
      role: role === 'router' ? 'gateway' : 'sidecar',
      node: nodeId({ pod, role }),
    },
  };
}

const nodeId = ({ pod, role }: Pick<ProxyOptions, 'pod' | 'role'>): string =>
  `${role}~${pod.ip}~${pod.name}.${pod.namespace}~${pod.namespace}.svc.cluster.local`;

/** The Deployment behind a pod name: `reviews-v1-6d4f8b5c9-x7k2p` → `reviews-v1`. */
function workloadName(pod: string): string {
  return /^(.+?)-[a-z0-9]{6,10}-[a-z0-9]{5}$/.exec(pod)?.[1] ?? pod;
}

/** Whether the agent is to answer the application's DNS questions. Source: DNSCapture in istio pilot/cmd/pilot-agent/options. */
export const capturesNames = (environment: Readonly<Record<string, string>>): boolean =>
  /^(?:1|t|T|TRUE|true|True)$/.test(environment['ISTIO_META_DNS_CAPTURE'] ?? '');

/** What every variable of this prefix says is metadata of the node. Source: getNodeMetaData in istio pkg/bootstrap/config.go. */
const METADATA = 'ISTIO_META_';

const metadataOf = (environment: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      name.startsWith(METADATA) ? [[name.slice(METADATA.length), value]] : [],
    ),
  );

/** How this proxy introduces itself to the control plane. */
export function xdsNode({ pod, role, environment = {}, bootstrap = {} }: ProxyOptions): ProxyNode {
  const { locality } = bootstrap;
  return {
    id: nodeId({ pod, role }),
    cluster: `${pod.labels['app'] ?? pod.name}.${pod.namespace}`,
    metadata: {
      ...metadataOf(environment),
      NAME: pod.name,
      NAMESPACE: pod.namespace,
      SERVICE_ACCOUNT: pod.serviceAccount,
      WORKLOAD_NAME: environment[WORKLOAD_NAME] || workloadName(pod.name),
      LABELS: pod.labels,
      CLUSTER_ID,
      INSTANCE_IPS: pod.ip,
      ...(capturesNames(environment) && { DNS_CAPTURE: 'true' }),
    },
    userAgent: OWN_USER_AGENT,
    ...(locality !== undefined && { locality }),
  };
}

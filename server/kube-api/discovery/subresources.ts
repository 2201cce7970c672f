import type { KindDefinition } from '#domain';

/** A part of an object with a URL of its own. */
export interface Subresource {
  readonly name: string;
  readonly kind: string;
  /** Group and version of its kind, where they are not the object's. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

const READ_WRITE = ['get', 'patch', 'update'] as const;
const SCALE: Subresource = { name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: READ_WRITE };
const STREAM = ['create', 'get'] as const;
const EVERY = ['create', 'delete', 'get', 'patch', 'update'] as const;

const PARTS: Readonly<Record<string, readonly Subresource[]>> = {
  '/namespaces': [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  '/pods': [
    { name: 'attach', kind: 'PodAttachOptions', verbs: STREAM },
    { name: 'ephemeralcontainers', kind: 'Pod', verbs: READ_WRITE },
    { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: STREAM },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: STREAM },
    { name: 'proxy', kind: 'PodProxyOptions', verbs: EVERY },
  ],
  '/replicationcontrollers': [SCALE],
  '/services': [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: EVERY }],
  '/serviceaccounts': [
    { name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] },
  ],
  'apps/deployments': [SCALE],
  'apps/replicasets': [SCALE],
  'apps/statefulsets': [SCALE],
};

/** Kinds that have no status. */
const PLAIN = new Set([
  ...['ConfigMap', 'Endpoints', 'Event', 'LimitRange', 'PodTemplate', 'Secret', 'ServiceAccount'],
  ...['ControllerRevision', 'EndpointSlice', 'Lease', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'],
  ...['IngressClass', 'NetworkPolicy', 'StorageClass', 'PriorityClass', 'ReferenceGrant'],
  ...['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
]);

/** What can be reached below an object of a kind, by name. */
export function subresourcesOf(kind: KindDefinition): readonly Subresource[] {
  const parts = PARTS[`${kind.group}/${kind.plural}`] ?? [];
  if (PLAIN.has(kind.kind)) return parts;
  const status = { name: 'status', kind: kind.kind, verbs: READ_WRITE };
  return [...parts, status].sort((a, b) => (a.name < b.name ? -1 : 1));
}

import type { KubeObject } from '#domain';
import type { JsonRecord } from '../json.ts';

const API = 'rbac.authorization.k8s.io';
const BOOTSTRAP = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];

const role = (name: string, rules: readonly JsonRecord[], labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: `${API}/v1`,
  kind: 'ClusterRole',
  metadata: { name, labels: { ...BOOTSTRAP, ...labels } },
  rules,
});

const binding = (name: string, ...groups: readonly string[]): KubeObject => ({
  apiVersion: `${API}/v1`,
  kind: 'ClusterRoleBinding',
  metadata: { name, labels: { ...BOOTSTRAP } },
  roleRef: { apiGroup: API, kind: 'ClusterRole', name },
  subjects: groups.map((group) => ({ apiGroup: API, kind: 'Group', name: group })),
});

const rule = (apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): JsonRecord => ({
  apiGroups,
  resources,
  verbs,
});

const paths = (...nonResourceURLs: readonly string[]): JsonRecord => ({ nonResourceURLs, verbs: ['get'] });

const WORKLOADS = [
  'daemonsets',
  'deployments',
  'deployments/scale',
  'replicasets',
  'replicasets/scale',
  'statefulsets',
  'statefulsets/scale',
];
const CORE = ['configmaps', 'endpoints', 'persistentvolumeclaims', 'pods', 'serviceaccounts', 'services'];
const MESH = [
  ...['networking.istio.io', 'security.istio.io', 'telemetry.istio.io', 'extensions.istio.io'],
  'gateway.networking.k8s.io',
];

const viewRules = [
  rule([''], [...CORE, 'pods/log', 'pods/status', 'services/status', 'events', 'namespaces'], READ),
  rule(['apps'], WORKLOADS, READ),
  rule(['batch'], ['cronjobs', 'jobs'], READ),
  rule(['autoscaling'], ['horizontalpodautoscalers'], READ),
  rule(['networking.k8s.io'], ['ingresses', 'networkpolicies'], READ),
  rule(['policy'], ['poddisruptionbudgets'], READ),
  rule(['discovery.k8s.io'], ['endpointslices'], READ),
  rule(MESH, ['*'], READ),
];

const editRules = [
  ...viewRules,
  rule([''], ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], READ),
  rule([''], ['serviceaccounts'], ['impersonate']),
  rule([''], [...CORE, 'pods/attach', 'pods/exec', 'pods/portforward', 'secrets', 'events'], WRITE),
  rule([''], ['pods/eviction', 'serviceaccounts/token'], ['create']),
  rule(['apps'], [...WORKLOADS, 'deployments/rollback'], WRITE),
  rule(['batch'], ['cronjobs', 'jobs'], WRITE),
  rule(['autoscaling'], ['horizontalpodautoscalers'], WRITE),
  rule(['networking.k8s.io'], ['ingresses', 'networkpolicies'], WRITE),
  rule(['policy'], ['poddisruptionbudgets'], WRITE),
  rule(MESH, ['*'], WRITE),
];

/** The roles that every cluster has, as far as users meet them, and who holds them from the start. */
export const defaultRoles: readonly KubeObject[] = [
  role('cluster-admin', [rule(['*'], ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }]),
  role('admin', [
    ...editRules,
    rule(['authorization.k8s.io'], ['localsubjectaccessreviews'], ['create']),
    rule([API], ['rolebindings', 'roles'], [...READ, ...WRITE]),
  ]),
  role('edit', editRules),
  role('view', viewRules),
  role('system:basic-user', [
    rule(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
    rule(['authentication.k8s.io'], ['selfsubjectreviews'], ['create']),
  ]),
  role('system:discovery', [
    paths(
      '/api',
      '/api/*',
      '/apis',
      '/apis/*',
      '/healthz',
      '/livez',
      '/openapi',
      '/openapi/*',
      '/readyz',
      '/version',
      '/version/',
    ),
  ]),
  role('system:public-info-viewer', [paths('/healthz', '/livez', '/readyz', '/version', '/version/')]),
  binding('cluster-admin', 'system:masters'),
  binding('system:basic-user', 'system:authenticated'),
  binding('system:discovery', 'system:authenticated'),
  binding('system:public-info-viewer', 'system:authenticated', 'system:unauthenticated'),
];

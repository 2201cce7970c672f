import type { KubeObject } from '#domain';
import type { AccessDecision, AccessRequest, KubeStore, UserInfo } from '../doors.ts';
import { at, listAt, textAt } from '../kinds/columns.ts';

/** One rule of a role. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Members may do everything, whatever the roles say. */
export const ADMINISTRATORS = 'system:masters';

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const ruleOf = (rule: unknown): PolicyRule => ({
  verbs: strings(at(rule, 'verbs')),
  apiGroups: strings(at(rule, 'apiGroups')),
  resources: strings(at(rule, 'resources')),
  resourceNames: strings(at(rule, 'resourceNames')),
  nonResourceURLs: strings(at(rule, 'nonResourceURLs')),
});

interface BoundRules {
  readonly rules: readonly PolicyRule[];
  /** `ClusterRoleBinding "admins" of ClusterRole "admin" to User "bob"`: why something is allowed. */
  readonly why: string;
}

function isSubject(subject: unknown, user: UserInfo, namespace: string): boolean {
  const name = textAt(subject, 'name') ?? '';
  switch (at(subject, 'kind')) {
    case 'User':
      return name === user.username;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount':
      return user.username === `system:serviceaccount:${textAt(subject, 'namespace') ?? namespace}:${name}`;
    default:
      return false;
  }
}

/** The role's own rules and those that it gathers from other roles by label. */
function rulesOfRole(store: KubeStore, role: KubeObject | undefined): PolicyRule[] {
  if (!role) return [];
  const own = listAt(role, 'rules').map(ruleOf);
  const gathered = listAt(role, 'aggregationRule.clusterRoleSelectors').flatMap((selector) => {
    const wanted = Object.entries((at(selector, 'matchLabels') ?? {}) as Record<string, string>);
    if (wanted.length === 0) return [];
    return store
      .list('ClusterRole.rbac.authorization.k8s.io')
      .filter((each) => wanted.every(([key, value]) => each.metadata.labels?.[key] === value))
      .flatMap((each) => listAt(each, 'rules').map(ruleOf));
  });
  return [...own, ...gathered];
}

function bound(store: KubeStore, user: UserInfo, binding: KubeObject): BoundRules[] {
  const namespace = binding.metadata.namespace ?? '';
  const subject = listAt(binding, 'subjects').find((each) => isSubject(each, user, namespace));
  if (subject === undefined) return [];
  const [kind, name] = [textAt(binding, 'roleRef.kind') ?? '', textAt(binding, 'roleRef.name') ?? ''];
  const address = { namespace: kind === 'Role' ? namespace : '', name };
  const rules = rulesOfRole(store, store.get(`${kind}.rbac.authorization.k8s.io`, address));
  const who = `${String(at(subject, 'kind'))} ${JSON.stringify(textAt(subject, 'name') ?? '')}`;
  const where = namespace === '' ? binding.metadata.name : `${binding.metadata.name}/${namespace}`;
  return [{ rules, why: `RBAC: allowed by ${binding.kind} "${where}" of ${kind} "${name}" to ${who}` }];
}

/** Everything that a user is granted in a namespace; cluster-wide grants only where there is none. */
export function grantsOf(store: KubeStore, user: UserInfo, namespace: string): BoundRules[] {
  if (!store.kinds.find('RoleBinding.rbac.authorization.k8s.io')) return [];
  const cluster = store.list('ClusterRoleBinding.rbac.authorization.k8s.io');
  const local = namespace === '' ? [] : store.list('RoleBinding.rbac.authorization.k8s.io', { namespace });
  return [...cluster, ...local].flatMap((binding) => bound(store, user, binding));
}

const has = (words: readonly string[], word: string): boolean => words.includes('*') || words.includes(word);

function allows(rule: PolicyRule, { path, resource, verb }: AccessRequest): boolean {
  if (!has(rule.verbs, verb)) return false;
  if (!resource) {
    return rule.nonResourceURLs.some((url) => url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))));
  }
  const full = resource.subresource === '' ? resource.resource : `${resource.resource}/${resource.subresource}`;
  const named = rule.resourceNames.length === 0 || rule.resourceNames.includes(resource.name);
  const part = resource.subresource !== '' && rule.resources.includes(`*/${resource.subresource}`);
  return has(rule.apiGroups, resource.group) && (has(rule.resources, full) || part) && named;
}

/** Role-based access control over the roles and bindings of a store. */
export function rbac(store: KubeStore): (request: AccessRequest) => AccessDecision {
  return (request) => {
    if (request.user.groups.includes(ADMINISTRATORS)) return { allowed: true };
    const grants = grantsOf(store, request.user, request.resource?.namespace ?? '');
    const grant = grants.find((each) => each.rules.some((rule) => allows(rule, request)));
    return grant ? { allowed: true, reason: grant.why } : { allowed: false };
  };
}

const SECRETS = { group: '', version: 'v1', resource: 'secrets', subresource: '', name: '' };

/** Whether roles let a service account list the Secrets of its namespace; its groups do not count, as in the review that istiod asks for. */
export function mayListSecrets(store: KubeStore, namespace: string, serviceAccount: string): boolean {
  const user = { username: `system:serviceaccount:${namespace}:${serviceAccount}`, groups: [] };
  return rbac(store)({ user, verb: 'list', resource: { ...SECRETS, namespace }, path: '' }).allowed;
}

import type { Origin } from '#domain';

const NAME = /ns\[([^\]]*)\]-policy\[([^\]]*)\]-rule\[(\d+)\]/;

/** The rule behind the name of an RBAC policy (`ns[foo]-policy[bar]-rule[0]`), which is how Istio names what it generates. */
export function policyOrigin(name: string, part = ''): Origin | undefined {
  const [, namespace = '', policy = '', rule = ''] = NAME.exec(name) ?? [];
  if (policy === '') return undefined;
  return { kind: 'AuthorizationPolicy', namespace, name: policy, path: `spec.rules[${rule}]${part}` };
}

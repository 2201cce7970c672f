import type { KubeObject } from '#domain';
import { namespaceOf } from './objects.ts';
import { GATEWAY, type GroupKind, groupKind, SERVICE } from './references.ts';
import type { BackendRef, CommonRouteSpec } from './types.ts';

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Which Gateways send to which backends, by what the routes say. */
export interface GatewayAncestors {
  gatewaysOf(backend: Named & { readonly kind: GroupKind }): readonly Named[];
}

interface RouteSpec extends CommonRouteSpec {
  readonly rules?: readonly { readonly backendRefs?: readonly BackendRef[] }[];
}

export function findAncestors(routes: readonly KubeObject[]): GatewayAncestors {
  const byBackend = new Map<string, Named[]>();
  for (const route of routes) {
    const { parentRefs = [], rules = [] } = route.spec as RouteSpec;
    const own = namespaceOf(route);
    const gateways = parentRefs
      .filter((reference) => groupKind(reference, GATEWAY) === GATEWAY)
      .map(({ namespace = own, name }) => ({ namespace, name }));
    for (const backend of rules.flatMap(({ backendRefs = [] }) => backendRefs)) {
      const key = `${groupKind(backend, SERVICE)} ${backend.namespace ?? own}/${backend.name}`;
      byBackend.set(key, [...(byBackend.get(key) ?? []), ...gateways]);
    }
  }
  return {
    gatewaysOf: ({ kind, namespace, name }) => byBackend.get(`${kind} ${namespace}/${name}`) ?? [],
  };
}

import { type KubeObject, parseApiVersion, serviceHostname } from '#domain';
import { compareText } from '../snapshot/config.ts';
import type { ServiceEntrySpec, ServiceSpec } from './plain-types.ts';

/** The objects that the Gateway API's conversion reads, by kind. */
export interface GatewayApiObjects {
  readonly gatewayClasses: readonly KubeObject[];
  readonly gateways: readonly KubeObject[];
  readonly listenerSets: readonly KubeObject[];
  readonly httpRoutes: readonly KubeObject[];
  readonly grpcRoutes: readonly KubeObject[];
  readonly tlsRoutes: readonly KubeObject[];
  readonly tcpRoutes: readonly KubeObject[];
  readonly referenceGrants: readonly KubeObject[];
  readonly backendTlsPolicies: readonly KubeObject[];
  readonly backendTrafficPolicies: readonly KubeObject[];
  readonly services: readonly KubeObject[];
  readonly serviceEntries: readonly KubeObject[];
  readonly namespaces: readonly KubeObject[];
  readonly secrets: readonly KubeObject[];
  readonly configMaps: readonly KubeObject[];
}

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

export const objectKey = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

export const namespaceOf = ({ metadata }: KubeObject): string => metadata.namespace ?? 'default';

/** A fixed order among objects of one age: the oldest first, then by namespace, then by name. */
export function compareByAge(a: KubeObject, b: KubeObject): number {
  const created = (object: KubeObject): number => Date.parse(object.metadata.creationTimestamp ?? '') || 0;
  return (
    created(a) - created(b) ||
    compareText(namespaceOf(a), namespaceOf(b)) ||
    compareText(a.metadata.name, b.metadata.name)
  );
}

/** Lookups by `namespace/name` that conversion asks again and again. */
export interface ObjectIndex {
  readonly services: ReadonlyMap<string, KubeObject>;
  readonly serviceEntries: ReadonlyMap<string, KubeObject>;
  readonly namespaces: ReadonlyMap<string, KubeObject>;
  readonly secrets: ReadonlyMap<string, KubeObject>;
  readonly configMaps: ReadonlyMap<string, KubeObject>;
  readonly gateways: ReadonlyMap<string, KubeObject>;
  /** `namespace/host` of every Service and ServiceEntry. */
  readonly hosts: ReadonlySet<string>;
}

export function indexObjects(objects: GatewayApiObjects): ObjectIndex {
  const byKey = (list: readonly KubeObject[]): ReadonlyMap<string, KubeObject> =>
    new Map(list.map((object) => [`${namespaceOf(object)}/${object.metadata.name}`, object]));
  const entryHosts = objects.serviceEntries.flatMap((entry) =>
    ((entry.spec as ServiceEntrySpec | undefined)?.hosts ?? []).map((host) => `${namespaceOf(entry)}/${host}`),
  );
  return {
    services: byKey(objects.services),
    serviceEntries: byKey(objects.serviceEntries),
    namespaces: new Map(objects.namespaces.map((namespace) => [namespace.metadata.name, namespace])),
    secrets: byKey(objects.secrets),
    configMaps: byKey(objects.configMaps),
    gateways: byKey(objects.gateways),
    hosts: new Set([
      ...objects.services.map(
        (service) => `${namespaceOf(service)}/${serviceHostname(service.metadata.name, namespaceOf(service))}`,
      ),
      ...entryHosts,
    ]),
  };
}

/** Names and numbers of the ports of a Service or ServiceEntry. */
export function portsOf(object: KubeObject): readonly { readonly name: string; readonly port: number }[] {
  if (parseApiVersion(object.apiVersion).group === '') {
    const { ports = [] } = (object.spec ?? {}) as ServiceSpec;
    return ports.map(({ name = '', port }) => ({ name, port }));
  }
  const { ports = [] } = (object.spec ?? {}) as ServiceEntrySpec;
  return ports.map(({ name = '', number }) => ({ name, port: number }));
}

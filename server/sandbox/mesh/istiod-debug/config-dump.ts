import type { ControlPlane } from '#control-plane';
import { camelCaseJson, type EncodedResource, type TypeUrl, typeUrls } from '#xds';
import type { DebugConnection } from './connections.ts';

/** Names of types in `?types=`. */
export const RESOURCE_TYPES = {
  cds: typeUrls.cluster,
  lds: typeUrls.listener,
  rds: typeUrls.route,
  eds: typeUrls.endpoint,
  sds: typeUrls.secret,
  ecds: typeUrls.extension,
  nds: typeUrls.nameTable,
} as const satisfies Record<string, TypeUrl>;

/** What a proxy is to hold, by type: of the types that it watches, the resources that it asks for. */
export class ProxyResources {
  readonly versionInfo: string;
  readonly #held: ReadonlyMap<TypeUrl, readonly EncodedResource[]>;

  constructor(controlPlane: ControlPlane, { node, watches }: DebugConnection) {
    const { versionInfo, resources } = controlPlane.snapshotFor(node);
    this.versionInfo = versionInfo;
    this.#held = new Map(
      [...watches].map(([typeUrl, names]) => {
        const all = resources.get(typeUrl) ?? new Map<string, EncodedResource>();
        const wanted = names.length === 0 ? [...all.keys()] : names;
        return [typeUrl, wanted.flatMap((name) => all.get(name) ?? [])];
      }),
    );
  }

  of(typeUrl: TypeUrl): readonly EncodedResource[] {
    return this.#held.get(typeUrl) ?? [];
  }
}

const any = (resource: EncodedResource): object => redacted(resource.typeUrl, camelCaseJson(resource));

/** A certificate is shown without its key. */
function redacted(typeUrl: TypeUrl, json: object): object {
  const { tlsCertificate: certificate } = json as { readonly tlsCertificate?: object };
  if (typeUrl !== typeUrls.secret || certificate === undefined) return json;
  const privateKey = { inlineBytes: Buffer.from('[redacted]').toString('base64') };
  return { ...json, tlsCertificate: { ...certificate, privateKey } };
}

const dump = (name: string): string => `type.googleapis.com/envoy.admin.v3.${name}`;

/** The bare resources of some types; without any, nothing at all. */
export function resourcesOfTypes(
  controlPlane: ControlPlane,
  connection: DebugConnection,
  types: readonly string[],
): { readonly configs?: readonly object[] } {
  const resources = new ProxyResources(controlPlane, connection);
  const isType = (short: string): short is keyof typeof RESOURCE_TYPES => Object.hasOwn(RESOURCE_TYPES, short);
  const configs = types.filter(isType).flatMap((short) => resources.of(RESOURCE_TYPES[short]).map(any));
  return configs.length === 0 ? {} : { configs };
}

/**
 * What istiod would have a proxy hold, in the shape of Envoy's `/config_dump`, with the names of protobuf JSON and without what is empty.
 * Source: connectionConfigDump in istio pilot/pkg/xds/debug.go.
 */
export function proxyConfigDump(
  controlPlane: ControlPlane,
  connection: DebugConnection,
  { includeEds }: { readonly includeEds: boolean },
): { readonly configs: readonly object[] } {
  const resources = new ProxyResources(controlPlane, connection);
  const { versionInfo } = resources;
  const each = (typeUrl: TypeUrl, list: string, field: string, more: object = { versionInfo }): object => {
    const held = resources.of(typeUrl).map((resource) => ({ ...more, [field]: any(resource) }));
    return held.length === 0 ? {} : { [list]: held };
  };
  const listeners = resources
    .of(typeUrls.listener)
    .map((resource) => ({ name: resource.name, activeState: { versionInfo, listener: any(resource) } }));
  const part = (name: string, content: object = {}): object => ({ '@type': dump(name), ...content });
  return {
    configs: [
      part('BootstrapConfigDump'),
      part('ClustersConfigDump', { versionInfo, ...each(typeUrls.cluster, 'dynamicActiveClusters', 'cluster', {}) }),
      ...(includeEds
        ? [part('EndpointsConfigDump', each(typeUrls.endpoint, 'dynamicEndpointConfigs', 'endpointConfig'))]
        : []),
      part('ListenersConfigDump', { versionInfo, ...(listeners.length > 0 && { dynamicListeners: listeners }) }),
      part('ScopedRoutesConfigDump'),
      part('RoutesConfigDump', each(typeUrls.route, 'dynamicRouteConfigs', 'routeConfig')),
      part('SecretsConfigDump', each(typeUrls.secret, 'dynamicActiveSecrets', 'secret')),
      part('EcdsConfigDump', each(typeUrls.extension, 'ecdsFilters', 'ecdsFilter')),
    ],
  };
}

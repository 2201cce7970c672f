import type { ControlPlane } from '#control-plane';
import { type EncodedResource, type TypeUrl, typeUrls } from '#xds';
import type { DebugConnection } from './connections.ts';

/** Names of types in `?types=`. */
export const RESOURCE_TYPES = {
  cds: typeUrls.cluster,
  lds: typeUrls.listener,
  rds: typeUrls.route,
  eds: typeUrls.endpoint,
  sds: typeUrls.secret,
  ecds: typeUrls.extension,
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

const any = ({ typeUrl, json }: EncodedResource): object => ({ '@type': typeUrl, ...redacted(typeUrl, json) });

/** A certificate is shown without its key. */
function redacted(typeUrl: TypeUrl, json: object): object {
  const { tls_certificate: certificate } = json as { readonly tls_certificate?: object };
  if (typeUrl !== typeUrls.secret || certificate === undefined) return json;
  const private_key = { inline_bytes: Buffer.from('[redacted]').toString('base64') };
  return { ...json, tls_certificate: { ...certificate, private_key } };
}

const dump = (name: string): string => `type.googleapis.com/envoy.admin.v3.${name}`;

/** The bare resources of some types. */
export function resourcesOfTypes(
  controlPlane: ControlPlane,
  connection: DebugConnection,
  types: readonly string[],
): { readonly configs: readonly object[] } {
  const resources = new ProxyResources(controlPlane, connection);
  const isType = (short: string): short is keyof typeof RESOURCE_TYPES => Object.hasOwn(RESOURCE_TYPES, short);
  return { configs: types.filter(isType).flatMap((short) => resources.of(RESOURCE_TYPES[short]).map(any)) };
}

/**
 * What istiod would have a proxy hold, in the shape of Envoy's `/config_dump`. Source: connectionConfigDump in istio
 * pilot/pkg/xds/debug.go.
 */
export function proxyConfigDump(
  controlPlane: ControlPlane,
  connection: DebugConnection,
  { includeEds }: { readonly includeEds: boolean },
): { readonly configs: readonly object[] } {
  const resources = new ProxyResources(controlPlane, connection);
  const version_info = resources.versionInfo;
  const each = (typeUrl: TypeUrl, field: string, more: object = { version_info }): object[] =>
    resources.of(typeUrl).map((resource) => ({ ...more, [field]: any(resource) }));
  const endpoints = {
    '@type': dump('EndpointsConfigDump'),
    dynamic_endpoint_configs: each(typeUrls.endpoint, 'endpoint_config'),
  };
  return {
    configs: [
      { '@type': dump('BootstrapConfigDump') },
      {
        '@type': dump('ClustersConfigDump'),
        version_info,
        dynamic_active_clusters: each(typeUrls.cluster, 'cluster', {}),
      },
      ...(includeEds ? [endpoints] : []),
      {
        '@type': dump('ListenersConfigDump'),
        version_info,
        dynamic_listeners: resources
          .of(typeUrls.listener)
          .map((resource) => ({ name: resource.name, active_state: { version_info, listener: any(resource) } })),
      },
      { '@type': dump('ScopedRoutesConfigDump') },
      { '@type': dump('RoutesConfigDump'), dynamic_route_configs: each(typeUrls.route, 'route_config') },
      { '@type': dump('SecretsConfigDump'), dynamic_active_secrets: each(typeUrls.secret, 'secret') },
      { '@type': dump('EcdsConfigDump'), ecds_filters: each(typeUrls.extension, 'ecds_filter') },
    ],
  };
}

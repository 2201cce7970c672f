import { type TypeUrl, typeUrls } from '#xds';
import type { ProxySecret } from '../doors.ts';
import type { UpstreamCluster } from '../upstream/cluster.ts';
import type { Host } from '../upstream/host.ts';
import type { AdminSources } from './admin-view.ts';
import { listSecrets } from './list-secrets.ts';

const dump = (name: string): string => `type.googleapis.com/envoy.admin.v3.${name}`;
const typed = (type: string, resource: object): object => ({ '@type': type, ...resource });
const time = (ms: number): string => new Date(ms).toISOString();

/** The release of Envoy whose API and behaviour the proxy follows. */
export const BUILD = {
  user_agent_name: 'envoy',
  user_agent_build_version: { version: { major_number: 1, minor_number: 40, patch: 0 } },
};
/** What a load assignment that names none has. */
const POLICY = { overprovisioning_factor: 140 };

/** Everything this proxy holds, in the shape of Envoy's `/config_dump?include_eds`, its parts in Envoy's order. */
export function configDump(sources: AdminSources): { configs: readonly object[] } {
  const { store, clusters, startedAtMs } = sources;
  const sent = <Resource extends Held>(all: ReadonlyMap<string, Resource>): ReadonlyMap<string, Resource> =>
    store.statics.size === 0 ? all : new Map([...all].filter(([name]) => !store.statics.has(name)));
  return {
    configs: [
      { '@type': dump('BootstrapConfigDump'), bootstrap: bootstrap(sources), last_updated: time(startedAtMs) },
      {
        '@type': dump('ClustersConfigDump'),
        version_info: store.versions.get(typeUrls.cluster) ?? '',
        ...filled('static_clusters', staticClusters(sources)),
        ...filled('dynamic_active_clusters', held(sources, typeUrls.cluster, 'cluster', sent(store.clusters))),
        ...filled('dynamic_warming_clusters', held(sources, typeUrls.cluster, 'cluster', sent(store.warmingClusters))),
      },
      ...(store.extensions.size === 0
        ? []
        : [
            {
              '@type': dump('EcdsConfigDump'),
              ecds_filters: held(sources, typeUrls.extension, 'ecds_filter', store.extensions),
            },
          ]),
      {
        '@type': dump('EndpointsConfigDump'),
        ...filled(
          'dynamic_endpoint_configs',
          clusters.all().map((cluster) => ({ endpoint_config: loadAssignment(cluster) })),
        ),
      },
      {
        '@type': dump('ListenersConfigDump'),
        version_info: store.versions.get(typeUrls.listener) ?? '',
        ...filled('dynamic_listeners', listenerStates(sources)),
      },
      { '@type': dump('ScopedRoutesConfigDump') },
      {
        '@type': dump('RoutesConfigDump'),
        ...filled('static_route_configs', inlineRoutes(sources)),
        ...filled('dynamic_route_configs', held(sources, typeUrls.route, 'route_config', store.routes)),
      },
      { '@type': dump('SecretsConfigDump'), ...filled('dynamic_active_secrets', secrets(sources)) },
    ],
  };
}

/** As in protobuf's JSON, a list without elements is not there. */
const filled = (field: string, list: readonly object[]): object => (list.length === 0 ? {} : { [field]: list });

const staticClusters = ({ store, startedAtMs }: AdminSources): object[] =>
  staticsOf(store).map((resource) => ({
    cluster: typed(typeUrls.cluster, resource),
    last_updated: time(startedAtMs),
  }));

const staticsOf = (store: AdminSources['store']): object[] =>
  [...store.statics].flatMap((name) => (store.clusters.get(name) ?? store.warmingClusters.get(name))?.resource ?? []);

/** What the proxy started with: who it is, where its control plane is, and this port. */
function bootstrap({ node, podIp, xdsAddress, variant, localCluster, store }: AdminSources): object {
  const { region, zone, subZone } = node.locality ?? {};
  const [address = '', port = ''] = xdsAddress.split(':');
  const ads = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
  const endpoint = { address: socketAddress(address, Number(port)) };
  return {
    node: {
      id: node.id,
      cluster: node.cluster,
      metadata: node.metadata,
      ...(node.locality && { locality: { region, zone, sub_zone: subZone } }),
      ...BUILD,
    },
    static_resources: {
      clusters: [
        {
          name: 'xds-grpc',
          type: 'STATIC',
          load_assignment: { cluster_name: 'xds-grpc', endpoints: [{ lb_endpoints: [{ endpoint }] }] },
        },
        ...staticsOf(store),
      ],
    },
    dynamic_resources: {
      lds_config: ads,
      cds_config: ads,
      ads_config: {
        api_type: variant === 'delta' ? 'DELTA_GRPC' : 'GRPC',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
        set_node_on_first_message_only: true,
        transport_api_version: 'V3',
      },
    },
    ...(localCluster !== undefined && { cluster_manager: { local_cluster_name: localCluster } }),
    admin: { address: socketAddress(podIp, 15000) },
  };
}

const socketAddress = (address: string, port_value: number): object => ({ socket_address: { address, port_value } });

interface Held {
  readonly versionInfo: string;
  readonly resource: object;
}

const held = (
  { updates }: AdminSources,
  typeUrl: TypeUrl,
  field: string,
  resources: ReadonlyMap<string, Held>,
): object[] =>
  [...resources].map(([name, { versionInfo, resource }]) => ({
    version_info: versionInfo,
    [field]: typed(typeUrl, resource),
    ...updated(updates.takenAt(typeUrl, name)),
  }));

const updated = (atMs: number | undefined): object => (atMs === undefined ? {} : { last_updated: time(atMs) });

function listenerStates({ store, updates }: AdminSources): object[] {
  const failed = updates.failed(typeUrls.listener);
  const names = new Set([...store.listeners.keys(), ...store.warmingListeners.keys(), ...failed.keys()]);
  return [...names].map((name) => {
    const state = ({ versionInfo, resource }: Held): object => ({
      version_info: versionInfo,
      listener: typed(typeUrls.listener, resource),
      ...updated(updates.takenAt(typeUrls.listener, name)),
    });
    const active = store.listeners.get(name);
    const warming = store.warmingListeners.get(name);
    const refused = failed.get(name);
    return {
      name,
      ...(active !== undefined && { active_state: state(active) }),
      ...(warming !== undefined && { warming_state: state(warming) }),
      ...(refused !== undefined && {
        error_state: {
          failed_configuration: typed(typeUrls.listener, refused.resource),
          last_update_attempt: time(refused.atMs),
          details: refused.details,
          version_info: refused.versionInfo,
        },
      }),
    };
  });
}

interface ListenerShape {
  readonly filter_chains?: readonly ChainShape[];
  readonly default_filter_chain?: ChainShape;
}

interface ChainShape {
  readonly filters?: readonly { readonly typed_config?: { readonly route_config?: object } }[];
}

/** Route configurations that stand inside of listeners. */
function inlineRoutes({ store, updates }: AdminSources): object[] {
  return [...store.listeners].flatMap(([name, { resource }]) => {
    const { filter_chains: chains = [], default_filter_chain: last } = resource as ListenerShape;
    const found = (last === undefined ? chains : [...chains, last]).flatMap(({ filters = [] }) =>
      filters.flatMap(({ typed_config: config }) => config?.route_config ?? []),
    );
    return found.map((route) => ({
      route_config: typed(typeUrls.route, route),
      ...updated(updates.takenAt(typeUrls.listener, name)),
    }));
  });
}

/** A cluster's hosts as a load assignment, with their health as it is now. */
function loadAssignment({ config, hosts }: UpstreamCluster): object {
  const places = new Map<string, Host[]>();
  for (const host of hosts) {
    const { priority, locality } = host.endpoint;
    const key = `${priority} ${locality.key}`;
    places.set(key, [...(places.get(key) ?? []), host]);
  }
  return typed(typeUrls.endpoint, {
    cluster_name: config.edsName || config.name,
    ...filled('endpoints', [...places.values()].map(localityEndpoints)),
    policy: POLICY,
  });
}

function localityEndpoints(hosts: readonly Host[]): object {
  const { locality, priority } = hosts[0]!.endpoint;
  const [region = '', zone = '', sub_zone = ''] = locality.key.split('/');
  return {
    locality: { ...(region && { region }), ...(zone && { zone }), ...(sub_zone && { sub_zone }) },
    lb_endpoints: hosts.map((host) => ({
      endpoint: {
        address: socketAddress(host.address.ip, host.address.port),
        health_check_config: {},
        ...(host.endpoint.hostname !== '' && { hostname: host.endpoint.hostname }),
      },
      health_status: coarseHealth(host),
      ...(host.endpoint.metadata !== undefined && { metadata: host.endpoint.metadata }),
      load_balancing_weight: host.endpoint.weight,
    })),
    ...(locality.weight > 0 && { load_balancing_weight: locality.weight }),
    ...(priority > 0 && { priority }),
  };
}

function coarseHealth({ endpoint, failedCheck, ejected, degradedByCheck }: Host): string {
  if (!endpoint.healthy || failedCheck || ejected) return 'UNHEALTHY';
  return endpoint.degraded || degradedByCheck ? 'DEGRADED' : 'HEALTHY';
}

const secrets = (sources: AdminSources): object[] => {
  const { secrets: store, updates } = sources;
  const renewed = store.rotations().at(-1)?.atMs;
  return listSecrets(sources).map((secret) => ({
    name: secret.name,
    ...updated(updates.takenAt(typeUrls.secret, secret.name) ?? renewed),
    secret: typed(typeUrls.secret, secretBody(secret)),
  }));
};

/** The certificate without its key, which Envoy prints as `[redacted]`. */
function secretBody({ name, type, pem }: ProxySecret): object {
  const bytes = Buffer.from(pem).toString('base64');
  return type === 'CA'
    ? { name, validation_context: { trusted_ca: { inline_bytes: bytes } } }
    : {
        name,
        tls_certificate: {
          certificate_chain: { inline_bytes: bytes },
          private_key: { inline_bytes: Buffer.from('[redacted]').toString('base64') },
        },
      };
}

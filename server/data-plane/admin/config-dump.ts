import { typeUrls } from '#xds';
import type { ProxySecret } from '../doors.ts';
import type { AdminSources } from './admin-view.ts';

const dump = (name: string): string => `type.googleapis.com/envoy.admin.v3.${name}`;

/** The release of Envoy whose API and behaviour the proxy follows. */
const BUILD = {
  user_agent_name: 'envoy',
  user_agent_build_version: { version: { major_number: 1, minor_number: 40, patch: 0 } },
};

/** Everything this proxy holds, in the shape of Envoy's `/config_dump?include_eds`. */
export function configDump({ store, secrets, node }: AdminSources): { configs: readonly object[] } {
  const typed = (type: string, resource: object): object => ({ '@type': type, ...resource });
  return {
    configs: [
      { '@type': dump('BootstrapConfigDump'), bootstrap: { node: { ...node, ...BUILD } } },
      {
        '@type': dump('ClustersConfigDump'),
        version_info: store.versions.get(typeUrls.cluster) ?? '',
        dynamic_active_clusters: [...store.clusters.values()].map(({ versionInfo, resource }) => ({
          version_info: versionInfo,
          cluster: typed(typeUrls.cluster, resource),
        })),
        dynamic_warming_clusters: [...store.warmingClusters.values()].map(({ versionInfo, resource }) => ({
          version_info: versionInfo,
          cluster: typed(typeUrls.cluster, resource),
        })),
      },
      {
        '@type': dump('EcdsConfigDump'),
        ecds_filters: [...store.extensions.values()].map(({ versionInfo, resource }) => ({
          version_info: versionInfo,
          ecds_filter: typed(typeUrls.extension, resource),
        })),
      },
      {
        '@type': dump('EndpointsConfigDump'),
        dynamic_endpoint_configs: [...store.endpoints.values()].map(({ versionInfo, resource }) => ({
          version_info: versionInfo,
          endpoint_config: typed(typeUrls.endpoint, resource),
        })),
      },
      {
        '@type': dump('ListenersConfigDump'),
        version_info: store.versions.get(typeUrls.listener) ?? '',
        dynamic_listeners: listenerStates(store),
      },
      {
        '@type': dump('RoutesConfigDump'),
        dynamic_route_configs: [...store.routes.values()].map(({ versionInfo, resource }) => ({
          version_info: versionInfo,
          route_config: typed(typeUrls.route, resource),
        })),
      },
      {
        '@type': dump('SecretsConfigDump'),
        dynamic_active_secrets: secrets.list().map((secret) => ({
          name: secret.name,
          secret: typed(typeUrls.secret, secretBody(secret)),
        })),
      },
    ],
  };
}

function listenerStates(store: AdminSources['store']): object[] {
  const names = new Set([...store.listeners.keys(), ...store.warmingListeners.keys()]);
  return [...names].map((name) => {
    const state = (listener: { versionInfo: string; resource: object }): object => ({
      version_info: listener.versionInfo,
      listener: { '@type': typeUrls.listener, ...listener.resource },
    });
    const active = store.listeners.get(name);
    const warming = store.warmingListeners.get(name);
    return {
      name,
      ...(active !== undefined && { active_state: state(active) }),
      ...(warming !== undefined && { warming_state: state(warming) }),
    };
  });
}

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

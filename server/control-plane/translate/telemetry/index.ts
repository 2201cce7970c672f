import type { FilterChain, HttpConnectionManager, Listener } from '#xds';
import { extensionTypes } from '#xds';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { telemetriesFor } from '../../snapshot/telemetries.ts';
import type { AccessLog } from '../access-log.ts';
import type { ProxyView } from '../proxy-view.ts';
import type { ConfigResources } from '../resources.ts';
import { telemetryAccessLogs } from './access-logging.ts';

/**
 * Puts the access logs that Telemetry asks for in place of the mesh's; the same resources where it asks for none. Metrics and tracing of
 * Telemetry are not translated.
 */
export function applyTelemetry(resources: ConfigResources, snapshot: MeshSnapshot, proxy: ProxyView): ConfigResources {
  const { mesh, telemetries } = snapshot;
  if (proxy.role === 'grpc' || (telemetries.length === 0 && mesh.defaultProviders['accessLogging'] === undefined)) {
    return resources;
  }
  const applicable = telemetriesFor(telemetries, proxy, mesh.rootNamespace);
  const client = telemetryAccessLogs(mesh, applicable, 'CLIENT');
  const server = telemetryAccessLogs(mesh, applicable, 'SERVER');
  return {
    ...resources,
    listeners: resources.listeners.map((listener) => {
      const logs = listener.traffic_direction === 'INBOUND' && proxy.role === 'sidecar' ? server : client;
      return logs === undefined ? listener : logged(listener, logs);
    }),
  };
}

function logged(listener: Listener, logs: readonly AccessLog[]): Listener {
  const { filter_chains, default_filter_chain } = listener;
  return {
    ...listener,
    ...(filter_chains && { filter_chains: filter_chains.map((chain) => loggedChain(chain, logs)) }),
    ...(default_filter_chain && { default_filter_chain: loggedChain(default_filter_chain, logs) }),
  };
}

/** Chains that only take what must not loop are never logged. */
const isBlackHole = ({ name }: FilterChain): boolean => name?.endsWith('-blackhole') === true;

const LOGGING = new Set<string>([extensionTypes.httpConnectionManager, extensionTypes.tcpProxy]);

function loggedChain(chain: FilterChain, logs: readonly AccessLog[]): FilterChain {
  if (isBlackHole(chain)) return chain;
  return {
    ...chain,
    filters: chain.filters.map((filter) => {
      if (!LOGGING.has(filter.typed_config['@type'])) return filter;
      const { access_log: _, ...config } = filter.typed_config as HttpConnectionManager;
      return { ...filter, typed_config: { ...config, ...(logs.length > 0 && { access_log: logs }) } };
    }),
  };
}

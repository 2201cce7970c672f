import { extensionTypes, type FilterChain, type TcpProxy } from '#xds';
import type { MeshConfig } from '../doors.ts';
import { accessLog } from './access-log.ts';
import { BLACK_HOLE_CLUSTER, filterNames, PASSTHROUGH_CLUSTER } from './envoy-types.ts';

type Filters = FilterChain['filters'];

/** Forwards bytes to one cluster. */
export const tcpFilter = (cluster: string, mesh: MeshConfig): Filters =>
  proxyTo({ stat_prefix: cluster, cluster, ...accessLog(mesh) });

/** Forwards each connection to one of several clusters, by weight. */
export const weightedTcpFilter = (
  statPrefix: string,
  clusters: { readonly name: string; readonly weight: number }[],
  mesh: MeshConfig,
): Filters => proxyTo({ stat_prefix: statPrefix, weighted_clusters: { clusters }, ...accessLog(mesh) });

/** Where connections go that nothing else claims: on to their own destination, or nowhere (REGISTRY_ONLY). */
export const fallthroughFilter = (mesh: MeshConfig): Filters =>
  tcpFilter(mesh.outboundTrafficPolicy === 'ALLOW_ANY' ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER, mesh);

/** Closes connections that were made to a capture port itself, which would otherwise go round for ever. */
export const blackHoleFilter: Filters = proxyTo({ stat_prefix: BLACK_HOLE_CLUSTER, cluster: BLACK_HOLE_CLUSTER });

function proxyTo(config: Omit<TcpProxy, '@type'> & { stat_prefix: string }): Filters {
  return [{ name: filterNames.tcpProxy, typed_config: { '@type': extensionTypes.tcpProxy, ...config } }];
}

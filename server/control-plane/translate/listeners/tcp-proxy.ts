import { extensionTypes, type FilterChain, type TcpProxy } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import type { MergedDestinationRule } from '../../snapshot/destination-rules.ts';
import type { TunnelSettings } from '../../snapshot/istio-types.ts';
import { protoDuration } from '../durations.ts';
import { BLACK_HOLE_CLUSTER, filterNames, PASSTHROUGH_CLUSTER } from '../envoy-types.ts';
import { destinationCluster } from '../routes/destinations.ts';
import type { OutboundScope } from '../scope.ts';
import { accessLog } from '../telemetry/access-log.ts';

type Filters = FilterChain['filters'];

/** Settings of a TCP proxy that a client's DestinationRule has a word in. */
export type TcpOptions = Readonly<Record<string, unknown>>;

/** Forwards bytes to one cluster. */
export const tcpFilter = (
  cluster: string,
  mesh: MeshConfig,
  { statPrefix = cluster, options = {} }: { readonly statPrefix?: string; readonly options?: TcpOptions } = {},
): Filters => proxyTo({ stat_prefix: statPrefix, cluster, ...options, ...accessLog(mesh) });

/** Forwards each connection to one of several clusters, by weight. */
export const weightedTcpFilter = (
  statPrefix: string,
  clusters: { readonly name: string; readonly weight: number }[],
  mesh: MeshConfig,
  options: TcpOptions = {},
): Filters => proxyTo({ stat_prefix: statPrefix, weighted_clusters: { clusters }, ...options, ...accessLog(mesh) });

/** Where connections go that nothing else claims: on to their own destination or a proxy for all of them, or nowhere. */
export function fallthroughFilter({ snapshot, outboundPolicy }: OutboundScope): Filters {
  return tcpFilter(fallthroughCluster(outboundPolicy), snapshot.mesh);
}

/** The cluster behind traffic that nobody declared. */
export function fallthroughCluster({ mode, egressProxy }: OutboundScope['outboundPolicy']): string {
  if (mode === 'REGISTRY_ONLY') return BLACK_HOLE_CLUSTER;
  return egressProxy === undefined ? PASSTHROUGH_CLUSTER : destinationCluster(egressProxy, undefined, 0);
}

/** Closes connections that were made to a capture port itself, which would otherwise go round for ever. */
export const blackHoleFilter: Filters = proxyTo({ stat_prefix: BLACK_HOLE_CLUSTER, cluster: BLACK_HOLE_CLUSTER });

function proxyTo(config: Omit<TcpProxy, '@type'> & { stat_prefix: string }): Filters {
  return [{ name: filterNames.tcpProxy, typed_config: { '@type': extensionTypes.tcpProxy, ...config } }];
}

/**
 * What a rule adds to the TCP proxy itself: how long connections live, hashing by source, and a CONNECT tunnel.
 * Source: buildOutboundNetworkFiltersWithSingleDestination in istio pilot.
 */
export function tcpOptions(
  rule: MergedDestinationRule | undefined,
  { subset, tunnels = true }: { readonly subset: string; readonly tunnels?: boolean },
): TcpOptions {
  const policy = rule?.trafficPolicy?.value;
  const { idleTimeout, maxConnectionDuration } = policy?.connectionPool?.tcp ?? {};
  const tunnel = tunnels ? tunnelOf(rule, subset) : undefined;
  return {
    ...(idleTimeout && { idle_timeout: protoDuration(idleTimeout) }),
    ...(maxConnectionDuration && { max_downstream_connection_duration: protoDuration(maxConnectionDuration) }),
    ...(hashesSource(rule, subset) && { hash_policy: [{ source_ip: {} }] }),
    ...(tunnel && {
      tunneling_config: {
        hostname: `${bracketed(tunnel.targetHost ?? '')}:${tunnel.targetPort ?? 0}`,
        ...(tunnel.protocol === 'POST' && { use_post: true }),
      },
    }),
  };
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const subsetPolicy = (rule: MergedDestinationRule | undefined, subset: string) =>
  rule?.subsets.find(({ value }) => value.name === subset)?.value.trafficPolicy;

const tunnelOf = (rule: MergedDestinationRule | undefined, subset: string): TunnelSettings | undefined =>
  subset === '' ? rule?.trafficPolicy?.value.tunnel : subsetPolicy(rule, subset)?.tunnel;

function hashesSource(rule: MergedDestinationRule | undefined, subset: string): boolean {
  const own = subsetPolicy(rule, subset)?.loadBalancer;
  const settings = own ?? rule?.trafficPolicy?.value.loadBalancer;
  return settings?.consistentHash?.useSourceIp === true;
}

import { clusterName, formatDuration } from '#domain';
import type { Cluster } from '#xds';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { isHttp2 } from '../snapshot/protocol.ts';
import { HTTP_PROTOCOL_OPTIONS, translateLimits, translateProtocolOptions } from './connection-pool.ts';
import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  type IstioCluster,
  PASSTHROUGH_CLUSTER,
  statPrefix,
} from './envoy-types.ts';
import { meshworkOrigin, serviceOrigin } from './origin-metadata.ts';
import type { ProxyView, ServiceTarget } from './proxy-view.ts';
import { createScope } from './scope.ts';
import { effectivePolicy } from './traffic-policy.ts';

/**
 * The source address of connections that a sidecar opens to its own application. Capture knows it and lets it pass, where other
 * traffic to the pod would come back to the sidecar.
 */
const PASSTHROUGH_BIND: NonNullable<Cluster['upstream_bind_config']> = {
  source_address: { address: '127.0.0.6', port_value: 0 },
};

/** Istio's word for "never": about 292 years. */
const NEVER = '9223372035s';

/** One cluster per port of the workload's own services, and the one for all other ports. */
export function inboundClusters(snapshot: MeshSnapshot, proxy: ProxyView): Cluster[] {
  const byPort = new Map<number, ServiceTarget>();
  for (const target of proxy.targets) {
    if (!byPort.has(target.targetPort)) byPort.set(target.targetPort, target);
  }
  return [
    ...[...byPort.values()]
      .sort((a, b) => a.targetPort - b.targetPort)
      .map((target) => inboundCluster(snapshot, proxy, target)),
    {
      ...passthroughCluster(INBOUND_PASSTHROUGH_CLUSTER, snapshot),
      upstream_bind_config: PASSTHROUGH_BIND,
    },
  ];
}

/** The application itself: the address and port that the client dialled. A rule's connection pool applies here too. */
function inboundCluster(snapshot: MeshSnapshot, proxy: ProxyView, target: ServiceTarget): IstioCluster {
  const { service, port, targetPort } = target;
  const name = clusterName('inbound', targetPort, '', '');
  const rule = createScope(snapshot, proxy).ruleFor(service.hostname);
  const pool = effectivePolicy(rule, undefined, port.port).connectionPool?.value;
  const { h2UpgradePolicy: _, ...http } = pool?.http ?? {};
  const options = translateProtocolOptions(pool && { ...pool, http }, {
    http2: isHttp2(port.protocol),
    followsDownstream: port.protocol === 'auto',
  });
  return {
    name,
    alt_stat_name: statPrefix(name),
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    ...translateLimits(pool, snapshot.mesh),
    ...(options && { typed_extension_protocol_options: { [HTTP_PROTOCOL_OPTIONS]: options } }),
    common_lb_config: {},
    cleanup_interval: NEVER,
    upstream_bind_config: PASSTHROUGH_BIND,
    metadata: {
      filter_metadata: {
        istio: { services: servicesOnPort(proxy, target) },
        meshwork: meshworkOrigin(serviceOrigin(service, port.index)),
      },
    },
  };
}

const servicesOnPort = (proxy: ProxyView, { targetPort, port }: ServiceTarget): Record<string, string>[] =>
  proxy.targets
    .filter((target) => target.targetPort === targetPort && target.port.port === port.port)
    .map(({ service: { hostname, name, namespace } }) => ({ host: hostname, name, namespace }));

/** Where unknown destinations go: their own address, or nowhere. */
export const fallbackClusters = (snapshot: MeshSnapshot): Cluster[] => [
  blackHoleCluster(snapshot),
  passthroughCluster(PASSTHROUGH_CLUSTER, snapshot),
];

/** A cluster without endpoints: whatever is sent there is refused. */
export const blackHoleCluster = (snapshot: MeshSnapshot): Cluster => ({
  name: BLACK_HOLE_CLUSTER,
  alt_stat_name: statPrefix(BLACK_HOLE_CLUSTER),
  type: 'STATIC',
  connect_timeout: formatDuration(snapshot.mesh.connectTimeoutMs),
  lb_policy: 'ROUND_ROBIN',
});

function passthroughCluster(name: string, snapshot: MeshSnapshot): IstioCluster {
  return {
    name,
    alt_stat_name: statPrefix(name),
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    ...translateLimits(undefined, snapshot.mesh),
    typed_extension_protocol_options: {
      [HTTP_PROTOCOL_OPTIONS]: {
        '@type': `type.googleapis.com/${HTTP_PROTOCOL_OPTIONS}`,
        common_http_protocol_options: { idle_timeout: '300s' },
        use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
      },
    },
  };
}

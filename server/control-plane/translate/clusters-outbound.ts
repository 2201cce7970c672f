import { clusterName } from '#domain';
import type { Cluster } from '#xds';
import { namespaceTls } from '../snapshot/peer-authentications.ts';
import { isHttp2 } from '../snapshot/protocol.ts';
import type { Service } from '../snapshot/services.ts';
import { edsConfig } from './ads-source.ts';
import type { ClusterInput } from './cluster-input.ts';
import { clusterMetadata } from './cluster-metadata.ts';
import { HTTP_PROTOCOL_OPTIONS, translateLimits, translateProtocolOptions } from './connection-pool.ts';
import { type IstioCluster, statPrefix } from './envoy-types.ts';
import { translateLoadBalancer } from './load-balancer.ts';
import { translateOutlierDetection } from './outlier-detection.ts';
import type { OutboundScope } from './scope.ts';
import { translateClientTls } from './tls-client.ts';
import { type EffectivePolicy, effectivePolicy } from './traffic-policy.ts';

/** Every cluster that clients of a scope may send to: one per service port, and one per subset of each. */
export function outboundClusters(scope: OutboundScope): Cluster[] {
  return scope.services.flatMap((service) => {
    const rule = scope.ruleFor(service.hostname);
    return service.ports
      .filter((port) => port.protocol !== 'udp')
      .flatMap((port) => [
        outboundCluster({ scope, service, port, rule, subset: undefined }),
        ...(rule?.subsets ?? []).map((subset) => outboundCluster({ scope, service, port, rule, subset })),
      ]);
  });
}

function outboundCluster(input: ClusterInput): IstioCluster {
  const { scope, service, port, rule, subset } = input;
  const subsetName = subset?.value.name ?? '';
  const name = clusterName('outbound', port.port, subsetName, service.hostname);
  const policy = effectivePolicy(rule, subsetName, port.port);
  const isPassthrough = passesThrough(scope, service, policy);
  const pool = policy.connectionPool?.value;
  const http2 = isHttp2(port.protocol);
  const options = translateProtocolOptions(pool, {
    http2,
    followsDownstream: scope.role === 'sidecar' && port.protocol === 'auto',
  });
  const outlier = policy.outlierDetection && translateOutlierDetection(policy.outlierDetection.value);
  return {
    name,
    alt_stat_name: statPrefix(name),
    ...(isPassthrough
      ? { type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' }
      : { type: 'EDS', eds_cluster_config: edsConfig(name), ...translateLoadBalancer(policy.loadBalancer?.value) }),
    ...translateLimits(pool, scope.snapshot.mesh),
    ...(options && { typed_extension_protocol_options: { [HTTP_PROTOCOL_OPTIONS]: options } }),
    ...(outlier && { outlier_detection: outlier.outlier_detection }),
    common_lb_config: outlier ? { healthy_panic_threshold: outlier.healthy_panic_threshold } : {},
    ...clientTls(input, policy, isPassthrough),
    metadata: clusterMetadata(input, policy),
  };
}

/** Headless services and PASSTHROUGH go to the address the client dialled. Gateways dial none, so they balance instead. */
function passesThrough(scope: OutboundScope, service: Service, policy: EffectivePolicy): boolean {
  if (policy.loadBalancer?.value.simple === 'PASSTHROUGH') return true;
  return service.clusterIp === '' && scope.role === 'sidecar';
}

function clientTls(
  { scope, service, port, subset }: ClusterInput,
  policy: EffectivePolicy,
  isPassthrough: boolean,
): ReturnType<typeof translateClientTls> {
  const { mesh, peerAuthentications, serviceAccounts } = scope.snapshot;
  const wanted = namespaceTls(peerAuthentications, service.namespace, mesh.rootNamespace);
  const tls = translateClientTls({
    settings: policy.tls?.value,
    autoMtls: mesh.enableAutoMtls && wanted.mode !== 'DISABLE',
    sni: `outbound_.${port.port}_.${subset?.value.name ?? ''}_.${service.hostname}`,
    identities: serviceAccounts.get(service.hostname) ?? [],
    http2: isHttp2(port.protocol),
  });
  // Endpoints of an ORIGINAL_DST cluster have no metadata to match: it is mTLS for all of them or for none.
  const [mutual] = tls.transport_socket_matches ?? [];
  if (!isPassthrough || mutual === undefined) return tls;
  const endpoints = scope.snapshot.endpoints.get(service.hostname) ?? [];
  const allSpeakMtls = endpoints.length > 0 && endpoints.every(({ workload }) => workload.tlsMode === 'istio');
  return allSpeakMtls ? { transport_socket: mutual.transport_socket } : {};
}

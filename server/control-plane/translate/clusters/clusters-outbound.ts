import { clusterName } from '#domain';
import type { Cluster, LocalityLbEndpoints } from '#xds';
import { endpointsOnPort } from '../../snapshot/endpoints.ts';
import type { LoadBalancerSettings } from '../../snapshot/istio-types.ts';
import { namespaceTls } from '../../snapshot/peer-authentications.ts';
import { keepsSessions, type Service, type ServicePort, serviceKey } from '../../snapshot/services.ts';
import { edsConfig } from '../ads-source.ts';
import { type IstioCluster, statPrefix } from '../envoy-types.ts';
import { TCP_METADATA_EXCHANGE } from '../http-filters/istio-filters.ts';
import { withProxyProtocol } from '../listeners/proxy-protocol.ts';
import type { OutboundScope } from '../scope.ts';
import type { ClusterInput } from './cluster-input.ts';
import { clusterMetadata } from './cluster-metadata.ts';
import { percentOf, translateLimits } from './connection-pool.ts';
import { dnsFields } from './dns-cluster.ts';
import { dynamicCluster, isDynamic } from './dynamic-dns.ts';
import { localityEndpoints } from './endpoints.ts';
import { translateLoadBalancer } from './load-balancer.ts';
import { effectiveLocality, isLocalityWeighted } from './locality-lb.ts';
import { translateOutlierDetection } from './outlier-detection.ts';
import { HTTP_PROTOCOL_OPTIONS, http1Options, translateProtocolOptions, upstreamVersion } from './protocol-options.ts';
import { dnsSrvName, fillPattern } from './stat-names.ts';
import { tlsFields, translateClientTls } from './tls-client.ts';
import { type EffectivePolicy, effectivePolicy } from './traffic-policy.ts';

/** Every cluster that clients of a scope may send to: one per service port, and one per subset of each. */
export function outboundClusters(scope: OutboundScope, services: readonly Service[] = scope.services): Cluster[] {
  return services
    .filter(({ resolution }) => resolution !== 'Alias')
    .flatMap((service) => serviceClusters(scope, service, false));
}

/**
 * The clusters of a gateway between networks, which chooses by the name that a client's mTLS asks for and hands the connection on
 * unread: they know no TLS of their own.
 */
export const sniDnatClusters = (scope: OutboundScope): Cluster[] =>
  scope.services
    .filter(({ meshExternal, resolution }) => !meshExternal && resolution !== 'Alias')
    .flatMap((service) => serviceClusters(scope, service, true));

function serviceClusters(scope: OutboundScope, service: Service, sniDnat: boolean): Cluster[] {
  const rule = scope.ruleFor(service.hostname);
  return service.ports
    .filter((port) => port.protocol !== 'udp')
    .flatMap((port) => {
      const base = outboundCluster({ scope, service, port, rule, subset: undefined, sniDnat });
      if (base === undefined) return [];
      const subsets = (rule?.subsets ?? []).map((subset) =>
        outboundCluster({ scope, service, port, rule, subset, sniDnat }),
      );
      return [base, ...subsets].filter((cluster) => cluster !== undefined);
    });
}

function outboundCluster(input: ClusterInput): IstioCluster | undefined {
  const { scope, service, port, rule, subset, sniDnat } = input;
  const { mesh } = scope.snapshot;
  const subsetName = subset?.value.name ?? '';
  const srvName = dnsSrvName(port.port, subsetName, service.hostname);
  const name = sniDnat ? srvName : clusterName('outbound', port.port, subsetName, service.hostname);
  const policy = effectivePolicy(rule, { subset: subsetName, port: port.port, mesh });
  const type = passesOn(input, policy) ? 'ORIGINAL_DST' : clusterType(scope, service);
  const looksUp = isDynamic(service) && scope.istioProxy && !sniDnat;
  const discovery = looksUp ? lookUpFields(input, policy) : discoveryFields(input, { name, type, policy });
  if (discovery === undefined) return undefined;
  const pool = policy.connectionPool?.value;
  const version = upstreamVersion(
    { protocol: port.protocol, sniffs: scope.role === 'sidecar', direction: 'outbound' },
    pool,
    mesh,
  );
  const tls = sniDnat ? undefined : clientTls(input, policy, version === 'http2');
  const options = translateProtocolOptions({
    version,
    pool,
    names: tls?.names,
    http1: http1Options(port.protocol, mesh),
  });
  const outlier = policy.outlierDetection && translateOutlierDetection(policy.outlierDetection.value);
  const locality = effectiveLocality(mesh, policy.loadBalancer?.value, service);
  return {
    name,
    alt_stat_name: statPrefix(
      mesh.outboundClusterStatName
        ? fillPattern(mesh.outboundClusterStatName, { service, subset: subsetName, port, targetPort: 0 })
        : name,
    ),
    ...discovery,
    ...translateLimits(pool, mesh, policy.retryBudget?.value),
    ...(options && { typed_extension_protocol_options: { [HTTP_PROTOCOL_OPTIONS]: options } }),
    ...(outlier && { outlier_detection: outlier.outlier_detection }),
    ...(!looksUp && {
      common_lb_config: {
        healthy_panic_threshold: outlier && !sendsAll(service) ? outlier.healthy_panic_threshold : percentOf(0),
        ...isLocalityWeighted(locality, outlier !== undefined),
        ...(subsetName === '' && keepsSessions(service) && { override_host_status: { statuses: KEPT_STATUSES } }),
      },
    }),
    ...(tls && withProxyProtocol(tlsFields(tls, type === 'ORIGINAL_DST'), policy.proxyProtocol?.value)),
    ...(scope.exchangesPeers && { filters: [TCP_METADATA_EXCHANGE] }),
    metadata: clusterMetadata(input, policy),
  };
}

/**
 * Connections keep their address where the rule says so; a subset cannot take that back, nor can a subset's port what the subset says.
 * Source: buildSubsetCluster in istio pilot.
 */
const passesOn = (input: ClusterInput, policy: EffectivePolicy): boolean =>
  isPassthrough(policy.loadBalancer?.value) || isPassedOnSubset(input);

/** Of a subset, before what it says of its ports counts. */
const isPassedOnSubset = ({ scope, port, rule, subset }: ClusterInput): boolean =>
  subset !== undefined &&
  (isPassthrough(subset.value.trafficPolicy?.loadBalancer) ||
    isPassthrough(effectivePolicy(rule, { port: port.port, mesh: scope.snapshot.mesh }).loadBalancer?.value));

const isPassthrough = (balancer: LoadBalancerSettings | undefined): boolean => balancer?.simple === 'PASSTHROUGH';

/** Its endpoints are sent whatever their health: in a panic those that are not ready would be asked. */
const sendsAll = ({ trafficDistribution }: Service): boolean => trafficDistribution !== 'Any';

/** A session may stay with an endpoint that drains. */
const KEPT_STATUSES = ['HEALTHY', 'DRAINING', 'UNKNOWN', 'DEGRADED'];

const LOOKED_UP: ReadonlySet<string> = new Set(['http', 'http2', 'grpc', 'tls']);

/** Only protocols that name their host are looked up by it, and only as a whole: there are no subsets. */
function lookUpFields(
  { scope, service, port, subset }: ClusterInput,
  policy: EffectivePolicy,
): Partial<IstioCluster> | undefined {
  if (subset !== undefined || !LOOKED_UP.has(port.protocol)) return undefined;
  const tls = policy.tls?.value;
  const checks = ['SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'].includes(tls?.mode ?? 'DISABLE');
  return dynamicCluster(scope, service.hostname, {
    insecure: checks && (tls?.insecureSkipVerify === true || Boolean(tls?.sni)),
  });
}

/** Gateways dial no addresses, so they balance where a sidecar would pass on. */
function clusterType(scope: OutboundScope, service: Service): NonNullable<Cluster['type']> {
  const { role } = scope;
  if (keepsAddress(scope, service)) return 'ORIGINAL_DST';
  switch (service.resolution) {
    case 'DNSLB':
      return 'STRICT_DNS';
    case 'DNSRoundRobinLB':
      return 'LOGICAL_DNS';
    case 'Passthrough':
      return role === 'router' ? 'EDS' : 'ORIGINAL_DST';
    default:
      return 'EDS';
  }
}

/** The lab's own proxies look no hosts up: they keep to the address that the client found, as for hosts that nobody declared. */
const keepsAddress = ({ role, istioProxy, exchangesPeers }: OutboundScope, service: Service): boolean =>
  isDynamic(service) && role === 'sidecar' && exchangesPeers && !istioProxy;

interface Discovery {
  readonly name: string;
  readonly type: NonNullable<Cluster['type']>;
  readonly policy: EffectivePolicy;
}

/** How its endpoints are found; undefined for a name without a single endpoint, which has no cluster. */
function discoveryFields(input: ClusterInput, { name, type, policy }: Discovery): Partial<IstioCluster> | undefined {
  const { scope, service, port } = input;
  switch (type) {
    case 'EDS':
      return { type, eds_cluster_config: edsConfig(name), ...translateLoadBalancer(policy.loadBalancer?.value) };
    case 'ORIGINAL_DST': {
      const override = targetPortOverride(service, port);
      // Istio builds such a cluster by name before its rule takes the names away: it keeps how they were looked up.
      const wasByName = isByName(clusterType(scope, service)) && !isPassedOnSubset(input);
      if (wasByName && namedEndpoints(input, policy).length === 0) return undefined;
      return {
        type,
        lb_policy: 'CLUSTER_PROVIDED',
        ...(override !== undefined && { original_dst_lb_config: { upstream_port_override: override } }),
        ...(wasByName && dnsFields(scope)),
      };
    }
    default: {
      const endpoints = namedEndpoints(input, policy);
      if (endpoints.length === 0) return undefined;
      return {
        type,
        ...translateLoadBalancer(policy.loadBalancer?.value),
        load_assignment: { cluster_name: name, endpoints },
        ...dnsFields(scope),
      };
    }
  }
}

const isByName = (type: Cluster['type']): boolean => type === 'STRICT_DNS' || type === 'LOGICAL_DNS';

const namedEndpoints = ({ scope, subset, ...query }: ClusterInput, policy: EffectivePolicy): LocalityLbEndpoints[] =>
  localityEndpoints(scope, { ...query, subset: subset?.value, policy });

/** A ServiceEntry without resolution that names another port: connections keep their address and change the port. */
const targetPortOverride = ({ registry, resolution }: Service, port: ServicePort): number | undefined =>
  registry === 'External' &&
  (resolution === 'Passthrough' || resolution === 'DynamicDNS') &&
  port.targetPort !== port.port
    ? Number(port.targetPort)
    : undefined;

function clientTls(
  input: ClusterInput,
  policy: EffectivePolicy,
  http2: boolean,
): ReturnType<typeof translateClientTls> {
  const { scope, service, port, subset, rule } = input;
  const { mesh, serviceAccounts } = scope.snapshot;
  const dynamic = isDynamic(service) && scope.istioProxy;
  const accounts = (dynamic ? undefined : serviceAccounts.get(serviceKey(service))) ?? [];
  return translateClientTls({
    settings: policy.tls?.value,
    autoMtls: mesh.enableAutoMtls && mayBeMutual(input),
    sni: dnsSrvName(port.port, subset?.value.name ?? '', service.hostname),
    identities: accounts,
    entryNames: service.registry === 'External' ? accounts : [],
    dynamic,
    http2,
    exchangeAlpn: scope.exchangeAlpn,
    mayNameSecrets: scope.role !== 'sidecar' || rule?.workloadSelector !== undefined,
    mesh,
  });
}

/**
 * Where connections keep their address, all endpoints must be able to. Only the rule's own policy, or the subset's own, is asked for that:
 * not what it says of a port. Source: BestEffortInferServiceMTLSMode in istio pilot.
 */
function mayBeMutual({ scope, service, port, rule, subset }: ClusterInput): boolean {
  const { peerAuthentications, mesh, endpoints } = scope.snapshot;
  if (service.meshExternal) return false;
  const policy = subset === undefined ? rule?.trafficPolicy?.value : subset.value.trafficPolicy;
  if (service.resolution === 'Passthrough' || isPassthrough(policy?.loadBalancer)) {
    const own = endpointsOnPort(endpoints, service, port);
    if (own.length === 0 || own.some(({ workload }) => workload.tlsMode !== 'istio')) return false;
  }
  return namespaceTls(peerAuthentications, service.namespace, mesh.rootNamespace).mode !== 'DISABLE';
}

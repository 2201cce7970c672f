import { clusterName } from '#domain';
import { type Cluster, extensionTypes, type HttpConnectionManager, type Listener, type RouteConfiguration } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import { compareText } from '../../snapshot/config.ts';
import { hostsOverlap, isWildcard } from '../../snapshot/hosts.ts';
import type { OutlierDetectionSettings } from '../../snapshot/istio-types.ts';
import { trafficKind } from '../../snapshot/protocol.ts';
import { type Service, type ServicePort, serviceKey } from '../../snapshot/services.ts';
import { edsConfig } from '../ads-source.ts';
import type { ClusterInput } from '../clusters/cluster-input.ts';
import { clusterMetadata } from '../clusters/cluster-metadata.ts';
import { translateLoadBalancer } from '../clusters/load-balancer.ts';
import { originMetadata, serviceOrigin } from '../clusters/origin-metadata.ts';
import { translateOutlierDetection } from '../clusters/outlier-detection.ts';
import { effectivePolicy } from '../clusters/traffic-policy.ts';
import { statPrefix } from '../envoy-types.ts';
import { sessionFilterOf } from '../http-filters/sessions.ts';
import { FAULT_FILTER, ROUTER_FILTER } from '../listeners/http-connection-manager.ts';
import { listenAddress } from '../listeners/listener-filters.ts';
import { createRouteMemory } from '../routes/route-memory.ts';
import { outboundVirtualHosts } from '../routes/routes-outbound.ts';
import type { OutboundScope } from '../scope.ts';
import { grpcClientTls } from './tls.ts';

export interface GrpcResources {
  readonly listeners: Listener[];
  readonly routes: RouteConfiguration[];
}

/**
 * What gRPC's own xDS client understands: per service port a listener named exactly as the target it dials (`reviews:9080`,
 * `reviews.default:9080`, …), and a route table of that one service. Source: grpcgen in istio pilot.
 */
export function grpcResources(scope: OutboundScope): GrpcResources {
  const hosts = new Map<number, ReturnType<typeof outboundVirtualHosts>>();
  const listeners: Listener[] = [];
  const routes: RouteConfiguration[] = [];
  const { mesh } = scope.snapshot;
  const [egress] = scope.egress;
  if (egress === undefined) return { listeners, routes };
  for (const { service, port } of callablePorts(scope)) {
    const known =
      hosts.get(port.port) ??
      outboundVirtualHosts(scope, egress, { port: port.port, withPorts: true, memory: createRouteMemory() });
    hosts.set(port.port, known);
    const routeName = clusterName('outbound', port.port, '', service.hostname);
    listeners.push(...targetNames(scope, service).map((host) => apiListener({ mesh, host, service, port, routeName })));
    routes.push({
      name: routeName,
      virtual_hosts: known.filter(({ domains }) => domains.some((domain) => speaksFor(domain, service.hostname))),
    });
  }
  return { listeners, routes };
}

const speaksFor = (domain: string, hostname: string): boolean =>
  domain === hostname || (isWildcard(domain) && hostsOverlap(domain, hostname));

const callablePorts = (scope: OutboundScope): { service: Service; port: ServicePort }[] =>
  scope.services.flatMap((service) =>
    service.ports
      .filter((port) => ['http', 'auto'].includes(trafficKind(port.protocol)))
      .map((port) => ({ service, port })),
  );

function targetNames({ namespace }: OutboundScope, service: Service): string[] {
  const qualified = `${service.name}.${service.namespace}`;
  const names = [service.hostname, qualified, `${qualified}.svc`];
  return service.namespace === namespace ? [...names, service.name] : names;
}

interface ApiListenerInput {
  readonly mesh: MeshConfig;
  readonly host: string;
  readonly service: Service;
  readonly port: ServicePort;
  readonly routeName: string;
}

function apiListener({ mesh, host, service, port, routeName }: ApiListenerInput): Listener {
  const api_listener: HttpConnectionManager = {
    '@type': extensionTypes.httpConnectionManager,
    stat_prefix: statPrefix(`outbound_${host}_${port.port}`),
    rds: { config_source: { ads: {} }, route_config_name: routeName },
    http_filters: [...sessionFilterOf(mesh, service), FAULT_FILTER, ROUTER_FILTER],
  };
  return {
    name: `${host}:${port.port}`,
    address: listenAddress(service.address, port.port),
    api_listener: { api_listener },
    metadata: originMetadata(serviceOrigin(service, port.index)),
  };
}

/** gRPC's own client has clusters for what it can call. */
export function grpcClusters(scope: OutboundScope): Cluster[] {
  return callablePorts(scope)
    .flatMap(({ service, port }) => {
      const rule = scope.ruleFor(service.hostname);
      return [undefined, ...(rule?.subsets ?? [])].map((subset) =>
        grpcCluster({ scope, service, port, rule, subset, sniDnat: false }),
      );
    })
    .sort((a, b) => compareText(a.name, b.name));
}

/**
 * Unlike Istio, LEAST_REQUEST becomes ROUND_ROBIN: gRPC for Node refuses a cluster that asks for it. mTLS is used only where a rule says
 * so, because gRPC cannot tell whether its application took xDS credentials.
 */
function grpcCluster(input: ClusterInput): Cluster {
  const { scope, service, port, rule, subset } = input;
  const subsetName = subset?.value.name ?? '';
  const name = clusterName('outbound', port.port, subsetName, service.hostname);
  const policy = effectivePolicy(rule, { subset: subsetName, port: port.port, mesh: scope.snapshot.mesh });
  const balancer = translateLoadBalancer(policy.loadBalancer?.value);
  const maxRequests = policy.connectionPool?.value.http?.http2MaxRequests;
  const identities = scope.snapshot.serviceAccounts.get(serviceKey(service)) ?? [];
  return {
    name,
    alt_stat_name: statPrefix(name),
    type: 'EDS',
    eds_cluster_config: edsConfig(name),
    ...(balancer.lb_policy === 'RING_HASH' ? balancer : { lb_policy: 'ROUND_ROBIN' }),
    ...(maxRequests && { circuit_breakers: { thresholds: [{ max_requests: maxRequests }] } }),
    ...(policy.outlierDetection && { outlier_detection: grpcOutlierDetection(policy.outlierDetection.value) }),
    ...(policy.tls?.value.mode === 'ISTIO_MUTUAL' && { transport_socket: grpcClientTls(identities) }),
    metadata: clusterMetadata(input, policy),
  };
}

/** More than this share of an interval's calls: all of them. */
const ALL_FAILED_PERCENT = 99;
/** Envoy's, where a rule says nothing. */
const CONSECUTIVE_ERRORS = 5;

/**
 * gRPC ejects by shares of failed calls (gRFC A50) and passes over counts of consecutive errors. An endpoint all of whose calls in an
 * interval failed, and at least as many as the rule names, has failed so often in a row. Unlike istiod, which sends gRPC no outlier detection.
 */
function grpcOutlierDetection(settings: OutlierDetectionSettings): Record<string, unknown> {
  const { outlier_detection } = translateOutlierDetection(settings);
  const { consecutive5xxErrors = CONSECUTIVE_ERRORS, consecutiveGatewayErrors = 0 } = settings;
  const counts = [consecutive5xxErrors, consecutiveGatewayErrors].filter((count) => count > 0);
  if (counts.length === 0) return outlier_detection;
  return {
    ...outlier_detection,
    enforcing_failure_percentage: 100,
    failure_percentage_threshold: ALL_FAILED_PERCENT,
    failure_percentage_minimum_hosts: 1,
    failure_percentage_request_volume: Math.min(...counts),
  };
}

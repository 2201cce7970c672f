import { parseClusterName } from '#domain';
import type { Cluster, ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints } from '#xds';
import { isIp } from '../../snapshot/addresses.ts';
import { compareText } from '../../snapshot/config.ts';
import type { MergedDestinationRule } from '../../snapshot/destination-rules.ts';
import { type Endpoint, endpointsOnPort } from '../../snapshot/endpoints.ts';
import { labelsMatch } from '../../snapshot/hosts.ts';
import type { Subset } from '../../snapshot/istio-types.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { workloadTls } from '../../snapshot/peer-authentications.ts';
import { portNumbered } from '../../snapshot/service-ports.ts';
import type { Service, ServicePort } from '../../snapshot/services.ts';
import { CLUSTER_ID, formatLocality, type Locality } from '../../snapshot/workloads.ts';
import type { OutboundScope } from '../scope.ts';
import { applyLocality, effectiveLocality, type LocalityGroup } from './locality-lb.ts';
import { groupOf, speaksMutualTls, splitHorizon } from './split-horizon.ts';
import { type EffectivePolicy, effectivePolicy } from './traffic-policy.ts';

/** The endpoints of an EDS cluster as the scope's clients see them. A subset takes the pods that carry all its labels. */
export function loadAssignment(scope: OutboundScope, cluster: Cluster): ClusterLoadAssignment {
  const { name: cluster_name } = cluster;
  const { parts, sniDnat } = readName(cluster_name);
  const service = parts && scope.findService(parts.host);
  const port = service && portNumbered(service, parts.port);
  if (parts === undefined || service === undefined || port === undefined) return { cluster_name };
  const rule = scope.ruleFor(service.hostname);
  const subset = rule?.subsets.find(({ value }) => value.name === parts.subset)?.value;
  // As in Istio, the mesh's outlier detection puts no endpoints into priorities; those of clusters that find them by name it does.
  const policy = effectivePolicy(rule, { subset: parts.subset, port: parts.port });
  const endpoints = localityEndpoints(scope, { service, port, rule, subset, policy, sniDnat });
  return endpoints.length === 0 ? { cluster_name } : { cluster_name, endpoints };
}

/** `outbound|80||host`, or `outbound_.80_._.host` of a gateway between networks. */
function readName(name: string): { parts: ReturnType<typeof parseClusterName>; sniDnat: boolean } {
  const srv = /^outbound_\.(\d+)_\.([^_]*)_\.(.+)$/.exec(name);
  if (srv === null) return { parts: parseClusterName(name), sniDnat: false };
  const [, port, subset = '', host = ''] = srv;
  return { parts: { direction: 'outbound', port: Number(port), subset, host }, sniDnat: true };
}

export interface EndpointQuery {
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: MergedDestinationRule | undefined;
  readonly subset: Subset | undefined;
  readonly policy: EffectivePolicy;
  readonly sniDnat?: boolean;
}

/** The endpoints of a service's port by locality, with the weights and priorities that hold for the scope's clients. */
export function localityEndpoints(scope: OutboundScope, query: EndpointQuery): LocalityLbEndpoints[] {
  const { service, policy, sniDnat } = query;
  const { snapshot, client } = scope;
  const groups = endpointGroups(scope, query);
  return applyLocality(sniDnat === true ? groups.map(onlyMutual) : groups, {
    client: client.locality,
    clientLabels: client.labels,
    locality: effectiveLocality(snapshot.mesh, policy.loadBalancer?.value, service),
    hasOutlierDetection: policy.outlierDetection !== undefined,
  });
}

/** The endpoints of a service's port by locality, as they are. `isMeant`: which of them; absent: all. */
export function endpointGroups(
  scope: OutboundScope,
  query: EndpointQuery,
  isMeant?: (endpoint: Endpoint) => boolean,
): readonly LocalityGroup[] {
  const { service, port, subset, policy } = query;
  const { snapshot, client } = scope;
  const isDns = service.resolution === 'DNSLB' || service.resolution === 'DNSRoundRobinLB';
  const hidesUnready =
    service.trafficDistribution === 'Any' && Boolean(policy.outlierDetection?.value.minHealthPercent);
  const { networks } = snapshot;
  const mutual = speaksMtls(snapshot, query);
  const endpoints = endpointsOnPort(snapshot.endpoints, service, port).filter(
    (endpoint) =>
      (isDns || endpoint.port === 0 || isIp(endpoint.ip) || endpoint.ip === '') &&
      labelsMatch(subset?.labels, endpoint.workload.labels) &&
      endpoint.health !== 'TERMINATING' &&
      (endpoint.health !== 'UNHEALTHY' || !hidesUnready) &&
      (healthOf(endpoint) !== 'DRAINING' || Boolean(service.labels[SESSION_LABEL])) &&
      (!service.nodeLocal || endpoint.workload.node === client.node) &&
      isMeant?.(endpoint) !== false,
  );
  const plain = groupByLocality(endpoints, mutual);
  // A cluster that finds its endpoints by name has them all, whatever network they are in.
  return isDns ? plain : splitHorizon(plain, networks, client.network);
}

/** Whether an endpoint is reached by mTLS: it has a sidecar, and the rule asks for it or, without one, the sidecar takes it on the port. */
function speaksMtls(snapshot: MeshSnapshot, { rule, subset, port }: EndpointQuery): (endpoint: Endpoint) => boolean {
  const mode =
    tlsModeFor(rule?.subsets.find(({ value }) => value === subset)?.value.trafficPolicy, port.port) ??
    tlsModeFor(rule?.trafficPolicy?.value, port.port);
  if (mode !== undefined) return ({ workload }) => mode === 'ISTIO_MUTUAL' && workload.tlsMode === 'istio';
  const { peerAuthentications, mesh } = snapshot;
  return ({ workload, port: number }) =>
    workload.tlsMode === 'istio' &&
    workloadTls(peerAuthentications, workload, mesh.rootNamespace).forPort(number).mode !== 'DISABLE';
}

function tlsModeFor(policy: Subset['trafficPolicy'], port: number): string | undefined {
  const own = policy?.portLevelSettings?.find((each) => each.port?.number === port && each.tls !== undefined)?.tls;
  const tls = own ?? policy?.tls;
  return tls && (tls.mode ?? 'DISABLE');
}

function groupByLocality(
  endpoints: readonly Endpoint[],
  mutual: (endpoint: Endpoint) => boolean,
): readonly LocalityGroup[] {
  const groups = new Map<string, { locality: Locality; sent: LbEndpoint[]; endpoints: Endpoint[] }>();
  for (const endpoint of endpoints) {
    const { locality } = endpoint.workload;
    const key = formatLocality(locality);
    const group = groups.get(key) ?? { locality, sent: [], endpoints: [] };
    groups.set(key, group);
    group.sent.push(lbEndpoint(endpoint, mutual(endpoint)));
    group.endpoints.push(endpoint);
  }
  return [...groups]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, group]) => ({
      llb: {
        locality: protoLocality(group.locality),
        lb_endpoints: group.sent,
        load_balancing_weight: group.endpoints.reduce((sum, { weight }) => sum + (weight || 1), 0),
      },
      endpoints: group.endpoints,
    }));
}

/** A gateway between networks cannot tell mTLS from other TLS: it must reach only endpoints that insist on it. */
function onlyMutual(group: LocalityGroup): LocalityGroup {
  const pairs = group.endpoints.flatMap((endpoint, i) => {
    const sent = group.llb.lb_endpoints?.[i];
    return sent !== undefined && speaksMutualTls(sent) ? [{ sent, endpoint }] : [];
  });
  return groupOf(group, pairs);
}

const protoLocality = ({ region, zone, subZone }: Locality): NonNullable<LocalityLbEndpoints['locality']> => ({
  ...(region && { region }),
  ...(zone && { zone }),
  ...(subZone && { sub_zone: subZone }),
});

/** Only Services of this label take part in draining. */
const SESSION_LABEL = 'istio.io/persistent-session';

const healthOf = ({ health, workload }: Endpoint): Endpoint['health'] =>
  workload.labels['istio.io/draining'] ? 'DRAINING' : health;

function lbEndpoint(endpoint: Endpoint, mtls: boolean): LbEndpoint {
  const { ip, port, workload, weight } = endpoint;
  const health = healthOf(endpoint);
  const { labels, namespace, name, origin = { kind: 'Pod', name, path: '' } } = workload;
  const service =
    labels['service.istio.io/canonical-name'] ??
    labels['app.kubernetes.io/name'] ??
    labels['app'] ??
    workload.workloadName;
  const revision =
    labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels['version'] ?? '';
  // A reader takes `latest` for what is empty, so Istio does not send the word.
  const told = revision === 'latest' ? '' : revision;
  return {
    endpoint: {
      address: port === 0 ? { pipe: { path: ip } } : { socket_address: { address: ip, port_value: port } },
    },
    ...(health !== undefined && health !== 'TERMINATING' && { health_status: health }),
    load_balancing_weight: weight || 1,
    metadata: {
      filter_metadata: {
        ...(mtls && { 'envoy.transport_socket_match': { tlsMode: 'istio' } }),
        istio: { workload: `${workload.workloadName};${namespace};${service};${told};${CLUSTER_ID}` },
        ...(name !== '' && { meshwork: { kind: origin.kind, namespace, name: origin.name, path: origin.path } }),
      },
    },
  };
}

import { parseClusterName } from '#domain';
import type { Cluster, ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints } from '#xds';
import { compareText } from '../snapshot/config.ts';
import type { Endpoint } from '../snapshot/endpoints.ts';
import { labelsMatch } from '../snapshot/hosts.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { workloadTls } from '../snapshot/peer-authentications.ts';
import type { Locality } from '../snapshot/workloads.ts';
import { applyLocality } from './locality-lb.ts';
import type { OutboundScope } from './scope.ts';
import { effectivePolicy } from './traffic-policy.ts';

/** The endpoints of an EDS cluster as a client at `locality` sees them. A subset takes the pods that carry all its labels. */
export function loadAssignment(scope: OutboundScope, cluster: Cluster, locality: Locality): ClusterLoadAssignment {
  const parts = parseClusterName(cluster.name);
  const service = parts && scope.findService(parts.host);
  const port = service?.ports.find((each) => each.port === parts?.port);
  if (parts === undefined || service === undefined || port === undefined) return { cluster_name: cluster.name };
  const rule = scope.ruleFor(service.hostname);
  const subset = rule?.subsets.find(({ value }) => value.name === parts.subset)?.value;
  const endpoints = (scope.snapshot.endpoints.get(service.hostname) ?? []).filter(
    (endpoint) => endpoint.portName === port.name && labelsMatch(subset?.labels, endpoint.workload.labels),
  );
  if (endpoints.length === 0) return { cluster_name: cluster.name };
  const policy = effectivePolicy(rule, parts.subset, parts.port);
  const tlsMode = policy.tls?.value.mode;
  const speaksMtls = (endpoint: Endpoint): boolean =>
    tlsMode === undefined ? acceptsMtls(scope.snapshot, endpoint) : tlsMode === 'ISTIO_MUTUAL';
  const localities = groupByLocality(endpoints, speaksMtls);
  return {
    cluster_name: cluster.name,
    endpoints: applyLocality(localities, {
      client: locality,
      setting: policy.loadBalancer?.value.localityLbSetting,
      failover: policy.outlierDetection !== undefined,
    }),
  };
}

/** Whether an endpoint has a sidecar and its PeerAuthentication leaves mTLS on for the port. */
function acceptsMtls({ peerAuthentications, mesh }: MeshSnapshot, { workload, port }: Endpoint): boolean {
  if (workload.tlsMode !== 'istio') return false;
  return workloadTls(peerAuthentications, workload, mesh.rootNamespace).forPort(port).mode !== 'DISABLE';
}

function groupByLocality(
  endpoints: readonly Endpoint[],
  speaksMtls: (endpoint: Endpoint) => boolean,
): LocalityLbEndpoints[] {
  const groups = new Map<string, { locality: Locality; lb_endpoints: LbEndpoint[] }>();
  for (const endpoint of endpoints) {
    const { locality } = endpoint.workload;
    const key = `${locality.region}/${locality.zone}/${locality.subZone}`;
    const group = groups.get(key) ?? { locality, lb_endpoints: [] };
    groups.set(key, group);
    group.lb_endpoints.push(lbEndpoint(endpoint, speaksMtls(endpoint)));
  }
  return [...groups]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, { locality, lb_endpoints }]) => ({
      locality: protoLocality(locality),
      lb_endpoints,
      load_balancing_weight: lb_endpoints.length,
    }));
}

const protoLocality = ({ region, zone, subZone }: Locality): NonNullable<LocalityLbEndpoints['locality']> => ({
  ...(region && { region }),
  ...(zone && { zone }),
  ...(subZone && { sub_zone: subZone }),
});

function lbEndpoint({ ip, port, workload }: Endpoint, mtls: boolean): LbEndpoint {
  const { labels, namespace, name } = workload;
  const service = labels['service.istio.io/canonical-name'] ?? labels['app'] ?? workload.workloadName;
  const revision = labels['service.istio.io/canonical-revision'] ?? labels['version'] ?? '';
  return {
    endpoint: { address: { socket_address: { address: ip, port_value: port } } },
    health_status: 'HEALTHY',
    load_balancing_weight: 1,
    metadata: {
      filter_metadata: {
        ...(mtls && { 'envoy.transport_socket_match': { tlsMode: 'istio' } }),
        istio: { workload: `${workload.workloadName};${namespace};${service};${revision};Kubernetes` },
        ...(name !== '' && { meshwork: { kind: 'Pod', namespace, name, path: '' } }),
      },
    },
  };
}

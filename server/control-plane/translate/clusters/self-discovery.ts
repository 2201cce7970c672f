import type { ClusterLoadAssignment } from '#xds';
import type { ProxyView } from '../proxy-view.ts';
import type { OutboundScope } from '../scope.ts';
import { endpointGroups } from './endpoints.ts';
import { effectivePolicy } from './traffic-policy.ts';

/** Source: SelfDiscoveryCluster in istio pilot/pkg/networking/util. */
const LOCAL_CLUSTER = 'local_cluster';

/** Labels that tell one ReplicaSet of a workload from another. */
const SET_LABELS = ['pod-template-hash', 'rollouts-pod-template-hash'];

const workloadOf = ({ metadata }: ProxyView): string => String(metadata['WORKLOAD_NAME'] ?? '');

/** Proxies of one key have the same; empty: they have none. */
export function selfDiscoveryKey(proxy: ProxyView): string {
  if (!proxy.discoversItself) return '';
  const { labels, locality, targets } = proxy;
  const [first] = targets;
  const service = first && [first.service.namespace, first.service.hostname, first.port.port];
  return JSON.stringify([workloadOf(proxy), ...SET_LABELS.map((name) => labels[name]), locality.region, service]);
}

/**
 * The pods of the proxy's own ReplicaSet in its region, as its oldest service's first port knows them: by their zones an Envoy finds out
 * how much of its own zone's load is whose. No DestinationRule changes them. Source: isSelfDiscoveryCluster in istio endpoint_builder.go.
 */
export function selfDiscoveryAssignment(scope: OutboundScope, proxy: ProxyView): ClusterLoadAssignment {
  const { mesh } = scope.snapshot;
  const [first] = proxy.targets;
  if (first === undefined) return { cluster_name: LOCAL_CLUSTER };
  const { service, port } = first;
  const policy = effectivePolicy(undefined, { subset: '', port: port.port, mesh });
  const query = { service, port, rule: undefined, subset: undefined, policy };
  const name = workloadOf(proxy);
  const groups = endpointGroups(
    scope,
    query,
    ({ workload }) =>
      workload.workloadName === name &&
      workload.locality.region === proxy.locality.region &&
      SET_LABELS.every((label) => workload.labels[label] === proxy.labels[label]),
  );
  if (groups.length === 0) return { cluster_name: LOCAL_CLUSTER };
  return { cluster_name: LOCAL_CLUSTER, endpoints: groups.map(({ llb }) => llb) };
}

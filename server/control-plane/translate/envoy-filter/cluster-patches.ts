import { parseClusterName } from '#domain';
import { type Cluster, mergeAny, mergeMessages, type TransportSocket } from '#xds';
import type { ClusterMatch, PatchContext } from '../../snapshot/envoy-filters.ts';
import { isMerge, type Patch, type PatchSet, patchesTo, replaces } from './patches.ts';
import { wholeCluster } from './whole-messages.ts';

/**
 * Applies all patches to one cluster; undefined when it is removed. `services` are the hosts behind a cluster of a sidecar's own side,
 * whose name holds none. Source: pilot/pkg/networking/core/envoyfilter/cluster_patch.go.
 */
export function patchCluster(
  given: Cluster,
  patches: PatchSet,
  { context, services }: { readonly context: PatchContext; readonly services: readonly string[] },
): Cluster | undefined {
  let cluster = given;
  for (const patch of patchesTo(patches, 'CLUSTER', context)) {
    if (!clusterMatches(cluster, patch.match.cluster, services)) continue;
    if (patch.operation === 'REMOVE') return undefined;
    if (isMerge(patch)) cluster = mergeCluster(cluster, patch);
  }
  return cluster;
}

/** Clusters that patches add. Those for any context are added once, beside the outbound ones. */
export const addedClusters = (patches: PatchSet, context: PatchContext): Cluster[] =>
  patchesTo(patches, 'CLUSTER', context)
    .filter(
      ({ operation, match }) => operation === 'ADD' && (isSpecific(match.context) || context !== 'SIDECAR_INBOUND'),
    )
    .map(({ value }) => wholeCluster(value));

export const isSpecific = (context: PatchContext | undefined): boolean => context !== undefined && context !== 'ANY';

/** Of `outbound|80|v1|host`, and of `outbound_.80_.v1_.host` at a gateway between networks. */
function partsOf(name: string): ReturnType<typeof parseClusterName> {
  const [, direction, port, subset, host] = /^([a-z-]+)_\.(\d+)_\.([^_]*)_\.(.+)$/.exec(name) ?? [];
  return parseClusterName(direction === undefined ? name : [direction, port, subset, host].join('|'));
}

function clusterMatches(cluster: Cluster, match: ClusterMatch | undefined, services: readonly string[]): boolean {
  if (match === undefined) return true;
  if (match.name) return match.name === cluster.name;
  const parts = partsOf(cluster.name);
  const hosts = parts?.direction === 'inbound' && services.length > 0 ? services : [parts?.host ?? ''];
  return (
    (!match.subset || match.subset === parts?.subset) &&
    (!match.service || hosts.includes(match.service)) &&
    (!match.portNumber || match.portNumber === parts?.port)
  );
}

/** A transport socket is merged or replaced by itself, and then nothing else of the patch counts. */
function mergeCluster(cluster: Cluster, patch: Patch): Cluster {
  const given = (patch.value as Cluster).transport_socket;
  if (given === undefined)
    return mergeMessages('envoy.config.cluster.v3.Cluster', cluster, patch.value, replaces(patch));
  const { transport_socket_matches: matches, transport_socket: held } = cluster;
  if (matches !== undefined && matches.length > 0) {
    const at = matches.findIndex(({ transport_socket }) => transport_socket.name === given.name);
    const found = matches[at];
    if (found === undefined) return cluster;
    const merged = { ...found, transport_socket: mergeSocket(found.transport_socket, given) };
    return { ...cluster, transport_socket_matches: matches.with(at, merged) };
  }
  const socket = held !== undefined && held.name === given.name ? mergeSocket(held, given) : given;
  return { ...cluster, transport_socket: socket };
}

function mergeSocket(held: TransportSocket, given: TransportSocket): TransportSocket {
  const merged = held.typed_config && given.typed_config && mergeAny(held.typed_config, given.typed_config);
  return merged ? { ...held, typed_config: merged } : held;
}

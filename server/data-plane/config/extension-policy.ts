import type { Any, Cluster } from '#xds';
import { ConfigProblem } from './problem.ts';

type Fields = Readonly<Record<string, unknown>>;

interface PolicyEntry {
  readonly typed_extension_config?: { readonly name?: string; readonly typed_config?: Any };
}

const TYPE = 'type.googleapis.com/envoy.extensions.load_balancing_policies.';

/** By the type of an extension: the policy of the same algorithm, and the field of a cluster that holds its settings. */
const POLICIES: Readonly<Record<string, { readonly policy: Cluster['lb_policy']; readonly field?: keyof Cluster }>> = {
  [`${TYPE}round_robin.v3.RoundRobin`]: { policy: 'ROUND_ROBIN', field: 'round_robin_lb_config' },
  [`${TYPE}least_request.v3.LeastRequest`]: { policy: 'LEAST_REQUEST', field: 'least_request_lb_config' },
  [`${TYPE}random.v3.Random`]: { policy: 'RANDOM' },
  [`${TYPE}ring_hash.v3.RingHash`]: { policy: 'RING_HASH', field: 'ring_hash_lb_config' },
  [`${TYPE}maglev.v3.Maglev`]: { policy: 'MAGLEV', field: 'maglev_lb_config' },
  [`${TYPE}cluster_provided.v3.ClusterProvided`]: { policy: 'CLUSTER_PROVIDED' },
};

/**
 * Reads a cluster's `load_balancing_policy` as the older fields say the same; as in Envoy it stands before them, and the first policy that is
 * known counts. Throws ConfigProblem when none is.
 */
export function withExtensionPolicy(cluster: Cluster): Cluster {
  const given = (cluster as { load_balancing_policy?: { policies?: PolicyEntry[] } }).load_balancing_policy;
  if (given === undefined) return cluster;
  const policies = (given.policies ?? []).map((entry) => entry.typed_extension_config);
  const config = policies.find((entry) => (entry?.typed_config?.['@type'] ?? '') in POLICIES)?.typed_config;
  if (config === undefined) {
    const names = policies.map((entry) => entry?.name ?? '').join(', ');
    const why = `didn't find a registered load balancer factory implementation for cluster: '${cluster.name}' with names from [${names}]`;
    throw new ConfigProblem('cluster', why);
  }
  const { policy, field } = POLICIES[config['@type']]!;
  const { locality_lb_config: locality, consistent_hashing_lb_config: hashing } = config as unknown as Record<
    string,
    Fields | undefined
  >;
  return {
    ...cluster,
    lb_policy: policy,
    ...(field !== undefined && { [field]: config }),
    common_lb_config: {
      ...cluster.common_lb_config,
      ...(locality?.['locality_weighted_lb_config'] !== undefined && { locality_weighted_lb_config: {} }),
      ...(hashing !== undefined && { consistent_hashing_lb_config: hashing }),
    },
  } as Cluster;
}

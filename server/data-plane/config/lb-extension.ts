import type { Cluster } from '#xds';
import type { LbPolicy, PolicySource } from './lb-config.ts';
import { readHostSources } from './named-hosts.ts';
import { ConfigProblem, within } from './problem.ts';
import { compileSubsets } from './subset-config.ts';
import { type Fields, record } from './values.ts';

const PREFIX = 'type.googleapis.com/envoy.extensions.load_balancing_policies.';
const CASES: Readonly<Record<string, LbPolicy>> = {
  'round_robin.v3.RoundRobin': 'ROUND_ROBIN',
  'least_request.v3.LeastRequest': 'LEAST_REQUEST',
  'random.v3.Random': 'RANDOM',
  'ring_hash.v3.RingHash': 'RING_HASH',
  'maglev.v3.Maglev': 'MAGLEV',
  'cluster_provided.v3.ClusterProvided': 'CLUSTER_PROVIDED',
  'client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin': 'CLIENT_SIDE_WEIGHTED_ROUND_ROBIN',
};
const SUBSET = 'subset.v3.Subset';
const BY_LOCALITY = 'wrr_locality.v3.WrrLocality';
const OVERRIDE = 'override_host.v3.OverrideHost';

/** Fields of `common_lb_config` whose place is the extension's own configuration. */
const PARTIAL = ['zone_aware_lb_config', 'locality_weighted_lb_config', 'consistent_hashing_lb_config'];

/** Whether the balancing policy of a cluster is an extension; then `lb_policy` does not count. */
export const usesExtension = (cluster: Cluster): boolean =>
  cluster.load_balancing_policy !== undefined || (cluster.lb_policy as string) === 'LOAD_BALANCING_POLICY_CONFIG';

/** Reads `load_balancing_policy`: the first policy that this proxy knows counts. Source: configureLbPolicies in upstream_impl.cc. */
export function readExtension(cluster: Cluster): PolicySource {
  const field = 'load_balancing_policy';
  const policy = cluster.load_balancing_policy;
  if (policy === undefined) throw new ConfigProblem(field, 'cluster: field load_balancing_policy need to be set');
  const common = cluster.common_lb_config;
  if (common !== undefined && PARTIAL.some((name) => common[name] !== undefined)) {
    const which = PARTIAL.join(', ');
    const why = `cluster: load_balancing_policy cannot be combined with partial fields (${which}) of common_lb_config`;
    throw new ConfigProblem(field, why);
  }
  if (cluster.lb_subset_config !== undefined) {
    throw new ConfigProblem(field, 'cluster: load_balancing_policy cannot be combined with lb_subset_config');
  }
  return sourceOf(policy, field, cluster.name);
}

function sourceOf(policy: Fields, field: string, cluster: string): PolicySource {
  const names: string[] = [];
  for (const [i, entry] of ((policy['policies'] ?? []) as readonly Fields[]).entries()) {
    const extension = record(entry['typed_extension_config']);
    const own = record(extension?.['typed_config']) ?? {};
    const type = String(own['@type']).replace(PREFIX, '');
    const at = `${field}.policies[${i}].typed_extension_config.typed_config`;
    if (type === SUBSET) return ofSubset(own, at, cluster);
    if (type === BY_LOCALITY) return ofLocalities(own, at, cluster);
    if (type === OVERRIDE) return ofNamed(own, at, cluster);
    const known = CASES[type];
    if (known !== undefined) return ofPolicy(known, own, at);
    names.push(String(extension?.['name']));
  }
  const why = `didn't find a registered load balancer factory implementation for cluster: '${cluster}' with names from [${names.join(', ')}]`;
  throw new ConfigProblem('cluster', why);
}

function ofPolicy(policy: LbPolicy, own: Fields, field: string): PolicySource {
  const hashes = policy === 'RING_HASH' || policy === 'MAGLEV';
  return {
    policy,
    own,
    // Fields of its own are older than the message that balancers share.
    hashing: hashes ? (record(own['consistent_hashing_lb_config']) ?? own) : undefined,
    locality: hashes ? own : record(own['locality_lb_config']),
    subsets: undefined,
    field,
  };
}

function ofNamed(own: Fields, field: string, cluster: string): PolicySource {
  const named = readHostSources(own, field);
  const fallback = record(own['fallback_policy']);
  if (fallback === undefined) throw new ConfigProblem(`${field}.fallback_policy`, 'value is required');
  return { ...sourceOf(fallback, `${field}.fallback_policy`, cluster), named };
}

/** Localities in turn by their weights; only one balancer may choose within them. Source: wrr_locality in Envoy. */
function ofLocalities(own: Fields, field: string, cluster: string): PolicySource {
  const within_ = `${field}.endpoint_picking_policy`;
  const child = record(own['endpoint_picking_policy']);
  if (child === undefined) throw new ConfigProblem(within_, 'value is required');
  const policies = (child['policies'] ?? []) as readonly Fields[];
  if (!policies.some((each) => isKnown(each)))
    throw new ConfigProblem(within_, 'No supported endpoint picking policy.');
  const source = sourceOf(child, within_, cluster);
  if (source.policy !== 'CLIENT_SIDE_WEIGHTED_ROUND_ROBIN') {
    const why =
      'Currently WrrLocalityLoadBalancer only supports ClientSideWeightedRoundRobinLoadBalancer as its endpoint picking policy.';
    throw new ConfigProblem(within_, why);
  }
  return { ...source, locality: { locality_weighted_lb_config: {} } };
}

const isKnown = (entry: Fields): boolean => {
  const type = record(record(entry['typed_extension_config'])?.['typed_config'])?.['@type'];
  const name = String(type).replace(PREFIX, '');
  return Object.hasOwn(CASES, name) || name === SUBSET || name === OVERRIDE || name === BY_LOCALITY;
};

function ofSubset(own: Fields, field: string, cluster: string): PolicySource {
  const child = record(own['subset_lb_policy']);
  if (child === undefined) throw new ConfigProblem(`${field}.subset_lb_policy`, 'value is required');
  const within_ = sourceOf(child, `${field}.subset_lb_policy`, cluster);
  return { ...within_, subsets: within(field, () => compileSubsets(own)) };
}

import type { Cluster } from '#xds';
import { checkRules, rule, someItems } from './bounds.ts';
import { ConfigProblem, within } from './problem.ts';
import type { Fields } from './values.ts';

/** Names under which the kinds of `type` can be asked for as extensions. */
const BUILT_IN: Readonly<Record<string, string>> = {
  'envoy.cluster.static': 'STATIC',
  'envoy.cluster.eds': 'EDS',
  'envoy.cluster.strict_dns': 'STRICT_DNS',
  'envoy.cluster.logical_dns': 'LOGICAL_DNS',
  'envoy.cluster.original_dst': 'ORIGINAL_DST',
};
const AGGREGATE = 'type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig';
const DNS = 'type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster';

/** A cluster whose kind is an extension, as if it were told by `type`. Throws ConfigProblem for kinds that are not there. */
export function withType(resource: Cluster): Cluster {
  const { cluster_type: given, ...rest } = resource;
  if (given === undefined) return resource;
  const config = configOf(resource);
  if (config?.['@type'] === AGGREGATE) return { ...rest, type: 'AGGREGATE' as Cluster['type'] } as Cluster;
  if (config?.['@type'] === DNS) return { ...rest, ...dnsFields(config) } as Cluster;
  const type = BUILT_IN[given.name];
  if (type === undefined) throw new ConfigProblem('cluster_type', `cluster type ${given.name} is not supported`);
  return { ...rest, type } as Cluster;
}

/** The clusters that an aggregate cluster is made of, in their order; undefined for others. Throws ConfigProblem. */
export function readMembers(resource: Cluster): readonly string[] | undefined {
  const config = configOf(resource);
  if (config?.['@type'] !== AGGREGATE) return undefined;
  within('cluster_type.typed_config', () => checkRules(config, [rule('clusters', someItems)]));
  return config['clusters'] as readonly string[];
}

const configOf = (resource: Cluster): Fields | undefined =>
  (resource.cluster_type as { typed_config?: Fields } | undefined)?.typed_config;

/** Its own fields have the names of those of a cluster. */
function dnsFields(config: Fields): object {
  const { '@type': _, all_addresses_in_single_endpoint: single, ...fields } = config;
  return { ...fields, type: single === true ? 'LOGICAL_DNS' : 'STRICT_DNS' };
}

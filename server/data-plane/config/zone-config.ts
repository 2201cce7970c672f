import { type Fields, readNumber, record } from './values.ts';

/** How a cluster prefers the proxy's own zone, where a bootstrap names a local cluster. */
export interface ZoneConfig {
  /** Of so many requests in a hundred zones count at all. */
  readonly enabledPercent: number;
  /** With fewer healthy hosts zones do not count. */
  readonly minClusterSize: number;
  /** With so many healthy hosts in the own zone all requests stay there, however many callers it has; absent: that depends on them. */
  readonly forcedFrom: number | undefined;
  /** Zones are as big as the weights of their hosts, not as their number. */
  readonly byWeight: boolean;
}

const ALL = 100;
const MIN_CLUSTER_SIZE = 6;

/** Reads `zone_aware_lb_config`, whose defaults hold for clusters without one, too. Source: ZoneAwareLoadBalancerBase in Envoy. */
export function readZones(given: Fields | undefined): ZoneConfig {
  const forced = record(given?.['force_local_zone']);
  return {
    enabledPercent: Math.round(
      readNumber(record(given?.['routing_enabled'])?.['value'], given?.['routing_enabled'] ? 0 : ALL),
    ),
    minClusterSize: readNumber(given?.['min_cluster_size'], MIN_CLUSTER_SIZE),
    // The older field means one host.
    forcedFrom:
      forced === undefined
        ? given?.['force_locality_direct_routing'] === true
          ? 1
          : undefined
        : readNumber(forced['min_size'], 1),
    byWeight: given?.['locality_basis'] === 'HEALTHY_HOSTS_WEIGHT',
  };
}

import type { Cluster, ClusterLoadAssignment } from '#xds';
import { compileNamedEndpoint, type NamedEndpoint } from './endpoint-config.ts';
import { ConfigProblem, within } from './problem.ts';
import { durationMs } from './values.ts';

export interface DnsConfig {
  readonly names: readonly NamedEndpoint[];
  /** STRICT_DNS: every address of a name is a host. LOGICAL_DNS: the first one, asked anew for new connections. */
  readonly everyAddress: boolean;
  readonly refreshMs: number;
  /** Between tries while a name does not resolve. */
  readonly failureRefreshMs: number;
}

const REFRESH_MS = 5000;

/** Reads the names of a STRICT_DNS or LOGICAL_DNS cluster. Throws ConfigProblem. */
export function readDns(cluster: Cluster, type: 'STRICT_DNS' | 'LOGICAL_DNS'): DnsConfig {
  const names = cluster.load_assignment ? within('load_assignment', () => namesOf(cluster.load_assignment!)) : [];
  if (type === 'LOGICAL_DNS' && names.length !== 1) {
    throw new ConfigProblem(
      'load_assignment',
      'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint',
    );
  }
  const refreshMs = durationMs(cluster.dns_refresh_rate, 'dns_refresh_rate', REFRESH_MS);
  const failure = cluster.dns_failure_refresh_rate?.['base_interval'];
  const longest = cluster.dns_failure_refresh_rate?.['max_interval'];
  if (typeof failure === 'string' && typeof longest === 'string') {
    const field = 'dns_failure_refresh_rate';
    if (durationMs(longest, field, 0) < durationMs(failure, field, 0)) {
      throw new ConfigProblem(field, `${field} must have max_interval greater than or equal to the base_interval`);
    }
  }
  return {
    names,
    everyAddress: type === 'STRICT_DNS',
    refreshMs,
    failureRefreshMs:
      typeof failure === 'string'
        ? durationMs(failure, 'dns_failure_refresh_rate.base_interval', refreshMs)
        : refreshMs,
  };
}

function namesOf(assignment: ClusterLoadAssignment): NamedEndpoint[] {
  return (assignment.endpoints ?? []).flatMap((locality, i) =>
    (locality.lb_endpoints ?? []).map((endpoint, j) =>
      compileNamedEndpoint(endpoint, locality, `endpoints[${i}].lb_endpoints[${j}]`),
    ),
  );
}

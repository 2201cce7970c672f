import type { Cluster, ClusterLoadAssignment } from '#xds';
import { compileNamedEndpoint, type NamedEndpoint } from './endpoint-config.ts';
import { ConfigProblem, within } from './problem.ts';
import { durationMs } from './values.ts';

export interface DnsConfig {
  readonly names: readonly NamedEndpoint[];
  /** STRICT_DNS: every address of a name is a host. LOGICAL_DNS: the first one, asked anew for new connections. */
  readonly everyAddress: boolean;
  readonly refreshMs: number;
  /** The name server's own times count in place of the refresh rate. */
  readonly respectsTtl: boolean;
  /** The refresh rate is longer by chance, up to so much. */
  readonly jitterMs: number;
  /** Waits while a name does not resolve; undefined: the refresh rate. */
  readonly failure: { readonly baseMs: number; readonly maxMs: number } | undefined;
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
  return {
    names,
    everyAddress: type === 'STRICT_DNS',
    refreshMs,
    respectsTtl: (cluster as { respect_dns_ttl?: boolean }).respect_dns_ttl === true,
    jitterMs: durationMs((cluster as { dns_jitter?: string }).dns_jitter, 'dns_jitter', 0),
    failure: readFailure(cluster),
  };
}

function readFailure({ dns_failure_refresh_rate: given }: Cluster): DnsConfig['failure'] {
  const base = given?.['base_interval'];
  if (typeof base !== 'string') return undefined;
  const field = 'dns_failure_refresh_rate';
  const baseMs = durationMs(base, field, 0);
  const maxMs = durationMs(given?.['max_interval'] as string | undefined, field, 10 * baseMs);
  if (maxMs >= baseMs) return { baseMs, maxMs };
  throw new ConfigProblem(field, `${field} must have max_interval greater than or equal to the base_interval`);
}

function namesOf(assignment: ClusterLoadAssignment): NamedEndpoint[] {
  return (assignment.endpoints ?? []).flatMap((locality, i) =>
    (locality.lb_endpoints ?? []).map((endpoint, j) =>
      compileNamedEndpoint(endpoint, locality, `endpoints[${i}].lb_endpoints[${j}]`),
    ),
  );
}

import type { Cluster, ClusterLoadAssignment } from '#xds';
import { compileNamedEndpoint, type NamedEndpoint, placesOf } from './endpoint-config.ts';
import { ConfigProblem, within } from './problem.ts';
import { durationMs } from './values.ts';

export interface DnsConfig {
  readonly names: readonly NamedEndpoint[];
  /**
   * STRICT_DNS: every address of a name is a host, and a name without any has none. LOGICAL_DNS: all of them are one host, another one whenever
   * they are others, and a name without any has failed.
   */
  readonly everyAddress: boolean;
  /** Names are asked for over IPv6 alone, so that no name has an address of IPv4. */
  readonly onlyIpv6: boolean;
  /** The cluster serves once a name has been answered; else at once. */
  readonly waitsForAnswer: boolean;
  readonly refreshMs: number;
  /** The name server's own times count in place of the refresh rate. */
  readonly respectsTtl: boolean;
  /** But they count as so long at least. */
  readonly minRefreshMs: number;
  /** The refresh rate is longer by chance, up to so much. */
  readonly jitterMs: number;
  /** Waits while a name does not resolve; undefined: the refresh rate. */
  readonly failure: { readonly baseMs: number; readonly maxMs: number } | undefined;
}

const REFRESH_MS = 5000;

interface DnsFields {
  readonly dns_lookup_family?: string;
  readonly wait_for_warm_on_init?: boolean;
  readonly respect_dns_ttl?: boolean;
  readonly dns_min_refresh_rate?: string;
  readonly dns_jitter?: string;
}

/** Reads the names of a STRICT_DNS or LOGICAL_DNS cluster. Throws ConfigProblem. */
export function readDns(cluster: Cluster, type: 'STRICT_DNS' | 'LOGICAL_DNS'): DnsConfig {
  const isLogical = type === 'LOGICAL_DNS';
  const names = cluster.load_assignment
    ? within('load_assignment', () => namesOf(cluster.load_assignment!, isLogical))
    : [];
  if (isLogical && names.length !== 1) {
    throw new ConfigProblem(
      'load_assignment',
      'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint',
    );
  }
  const fields = cluster as DnsFields;
  const refreshMs = durationMs(cluster.dns_refresh_rate, 'dns_refresh_rate', REFRESH_MS);
  return {
    names,
    everyAddress: !isLogical,
    onlyIpv6: fields.dns_lookup_family === 'V6_ONLY',
    waitsForAnswer: fields.wait_for_warm_on_init !== false,
    refreshMs,
    respectsTtl: fields.respect_dns_ttl === true,
    minRefreshMs: durationMs(fields.dns_min_refresh_rate, 'dns_min_refresh_rate', 0),
    jitterMs: durationMs(fields.dns_jitter, 'dns_jitter', 0),
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

/** One host alone has no priority. */
function namesOf(assignment: ClusterLoadAssignment, isLogical: boolean): NamedEndpoint[] {
  const { endpoints = [] } = assignment;
  const places = placesOf(isLogical ? { ...assignment, endpoints: endpoints.map(withoutPriority) } : assignment);
  return endpoints.flatMap(({ lb_endpoints = [] }, i) =>
    lb_endpoints.map((endpoint, j) => compileNamedEndpoint(endpoint, places[i]!, `endpoints[${i}].lb_endpoints[${j}]`)),
  );
}

const withoutPriority = <Entry extends { readonly priority?: number }>({
  priority: _,
  ...entry
}: Entry): Omit<Entry, 'priority'> => entry;

import type { SocketAddress } from '#domain';
import { formatAddress } from '#domain';
import type { ClusterLoadAssignment, LbEndpoint } from '#xds';
import { type Origins, readOrigins } from './origins.ts';
import { ConfigProblem } from './problem.ts';

/** One endpoint as EDS describes it. */
export interface EndpointConfig {
  /** `ip:port`, unique within a cluster. */
  readonly key: string;
  readonly address: SocketAddress;
  readonly weight: number;
  readonly priority: number;
  readonly healthy: boolean;
  /** Labels for `transport_socket_matches`, such as `tlsMode: istio`. */
  readonly socketMatch: Readonly<Record<string, unknown>>;
  /** `workload;namespace;canonical name;canonical revision;cluster` as Istio writes it; empty when unknown. */
  readonly workload: string;
  readonly origins: Origins | undefined;
}

/** Compiles a load assignment. A repeated address counts once. */
export function compileEndpoints(assignment: ClusterLoadAssignment): readonly EndpointConfig[] {
  const byKey = new Map<string, EndpointConfig>();
  for (const [i, locality] of (assignment.endpoints ?? []).entries()) {
    for (const [j, endpoint] of (locality.lb_endpoints ?? []).entries()) {
      const compiled = compileEndpoint(endpoint, locality.priority ?? 0, `endpoints[${i}].lb_endpoints[${j}]`);
      byKey.set(compiled.key, compiled);
    }
  }
  return [...byKey.values()];
}

function compileEndpoint(given: LbEndpoint, priority: number, field: string): EndpointConfig {
  const socket = given.endpoint?.address?.socket_address;
  if (socket === undefined) throw new ConfigProblem(`${field}.endpoint.address`, 'only socket_address is supported');
  if (!/^[\d.]+$|:/.test(socket.address)) {
    throw new ConfigProblem(`${field}.endpoint.address`, `malformed IP address: ${socket.address}`);
  }
  const address = { ip: socket.address, port: socket.port_value };
  const health = given.health_status ?? 'UNKNOWN';
  const workload = given.metadata?.filter_metadata?.['istio']?.['workload'];
  return {
    key: formatAddress(address),
    address,
    weight: given.load_balancing_weight ?? 1,
    priority,
    healthy: health === 'UNKNOWN' || health === 'HEALTHY' || health === 'DEGRADED',
    socketMatch: given.metadata?.filter_metadata?.['envoy.transport_socket_match'] ?? {},
    workload: typeof workload === 'string' ? workload : '',
    origins: readOrigins(given.metadata),
  };
}

import { isDeepStrictEqual } from 'node:util';
import type { SocketAddress } from '#domain';
import { formatAddress } from '#domain';
import type { ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints, Metadata } from '#xds';
import { type Origins, readOrigins } from './origins.ts';
import { ConfigProblem } from './problem.ts';
import { ALWAYS, durationMs, type Fraction, readFraction } from './values.ts';

/** Where an endpoint is, with the weight of that place among the others of its priority. */
export interface EndpointLocality {
  /** `region/zone/sub_zone`. */
  readonly key: string;
  /** 0: takes nothing where localities are weighted. */
  readonly weight: number;
}

export const NO_LOCALITY: EndpointLocality = { key: '//', weight: 0 };

/** How active health checks reach an endpoint. */
export interface EndpointCheck {
  readonly disabled: boolean;
  readonly address: SocketAddress;
  /** In the Host header, before all else; empty: none of its own. */
  readonly hostname: string;
}

/** One endpoint as EDS describes it. */
export interface EndpointConfig {
  /** `ip:port`; unique within a cluster whose hosts are assigned. */
  readonly key: string;
  /** What tells it from others of its cluster where that is not the key: hosts that are found by name. */
  readonly id?: string | undefined;
  readonly address: SocketAddress;
  /** Where connections go that the address does not take. */
  readonly furtherAddresses?: readonly SocketAddress[] | undefined;
  /** As written in the assignment, where that is a name; else empty. */
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly locality: EndpointLocality;
  readonly healthy: boolean;
  /** Used only where too few others are healthy. */
  readonly degraded: boolean;
  /** As the control plane gives it; undefined: HEALTHY. */
  readonly status?: string;
  /** It shuts down: unhealthy, and counted in no share of healthy ones. */
  readonly draining: boolean;
  /** Percent: its cluster counts so many times the healthy hosts of a priority. */
  readonly overprovisioning: number;
  /** Its priority counts hosts by their weights. */
  readonly weighsHealth: boolean;
  /** Labels for `transport_socket_matches`, such as `tlsMode: istio`. */
  readonly socketMatch: Readonly<Record<string, unknown>>;
  /** `workload;namespace;canonical name;canonical revision;cluster` as Istio writes it; empty when unknown. */
  readonly workload: string;
  readonly metadata?: Metadata | undefined;
  /** What active health checks must know. */
  readonly check: EndpointCheck;
  readonly origins: Origins | undefined;
}

/** Whether nothing that balancing goes by differs between two descriptions of one endpoint, apart from its health and its assignment's policy. */
export function balancesAlike(one: EndpointConfig, other: EndpointConfig): boolean {
  return one === other || isDeepStrictEqual(balancedPart(one), balancedPart(other));
}

function balancedPart(endpoint: EndpointConfig): unknown[] {
  const { weight, locality, metadata } = endpoint;
  return [weight, locality, metadata];
}

/** What an endpoint is, apart from its address. */
export type EndpointSettings = Omit<EndpointConfig, 'key' | 'address' | 'check'> & {
  readonly check: CheckConfig;
};

interface CheckConfig {
  readonly port_value?: number;
  readonly hostname?: string;
  readonly address?: LbEndpoint['endpoint']['address'];
  readonly disable_active_health_check?: boolean;
}

/** An endpoint at an address. */
export function placedAt(address: SocketAddress, { check, ...settings }: EndpointSettings): EndpointConfig {
  const own = check.address?.socket_address;
  const ip = own?.address ?? address.ip;
  return {
    key: formatAddress(address),
    address,
    ...settings,
    check: {
      disabled: check.disable_active_health_check === true,
      address: { ip, port: check.port_value || own?.port_value || address.port },
      hostname: check.hostname ?? '',
    },
  };
}

/** A name that stands for hosts: what they are, apart from their addresses. */
export interface NamedEndpoint {
  /** A host name, or an address that needs no resolving. */
  readonly name: string;
  readonly port: number;
  readonly settings: EndpointSettings;
}

/** The share of requests that an assignment wants to be dropped; undefined: none. Source: parseDropOverloadConfig in upstream_impl.cc. */
export function readDrops(policy: ClusterLoadAssignment['policy']): Fraction | undefined {
  const given = policy?.drop_overloads ?? [];
  if (given.length > 1) {
    const why = `Cluster drop_overloads config has ${given.length} categories. Envoy only support one.`;
    throw new ConfigProblem('policy.drop_overloads', why);
  }
  const share = given[0]?.drop_percentage && readFraction(given[0].drop_percentage, ALWAYS);
  if (share === undefined || share.numerator === 0) return undefined;
  if (share.numerator > share.of) {
    const why = `drop_ratio=${share.numerator / share.of}(Numerator ${share.numerator} / Denominator ${share.of}). The valid range is 0~1.`;
    throw new ConfigProblem('policy.drop_overloads', `Cluster drop_overloads config is invalid. ${why}`);
  }
  return share;
}

/** Compiles a load assignment. Of a repeated address the first counts. Throws ConfigProblem. */
export function compileEndpoints(assignment: ClusterLoadAssignment): readonly EndpointConfig[] {
  readDrops(assignment.policy);
  const staleAfter = assignment.policy?.endpoint_stale_after;
  if (staleAfter !== undefined && durationMs(staleAfter, 'policy.endpoint_stale_after', 0) <= 0)
    throw new ConfigProblem('policy.endpoint_stale_after', 'value must be greater than 0s');
  const byKey = new Map<string, EndpointConfig>();
  const places = placesOf(assignment);
  for (const [i, { lb_endpoints = [] }] of (assignment.endpoints ?? []).entries()) {
    for (const [j, endpoint] of lb_endpoints.entries()) {
      const compiled = compileEndpoint(endpoint, places[i]!, `endpoints[${i}].lb_endpoints[${j}]`);
      if (!byKey.has(compiled.key)) byKey.set(compiled.key, compiled);
    }
  }
  return [...byKey.values()];
}

const NO_WEIGHT = 'value must be greater than or equal to 1';

/** Where an endpoint stands in its assignment, and how that counts. */
export type EndpointPlace = Pick<EndpointConfig, 'priority' | 'locality' | 'overprovisioning' | 'weighsHealth'>;

/** A priority counts as fully healthy while 1/1.4 (71 %) of its hosts are. */
export const DEFAULT_OVERPROVISIONING = 140;

const MAX_PRIORITY = 128;

/**
 * Where the endpoints of each entry stand. As in Envoy, a locality that has several entries in one priority has one weight: the last that is
 * given. Throws ConfigProblem.
 */
export function placesOf({ endpoints = [], policy }: ClusterLoadAssignment): readonly EndpointPlace[] {
  const places = endpoints.map((entry) => placeOf(entry, policy));
  const keyOf = ({ priority, locality }: EndpointPlace): string => `${priority}/${locality.key}`;
  const last = new Map(places.filter(({ locality }) => locality.weight > 0).map((place) => [keyOf(place), place]));
  return places.map((place) => ({ ...place, locality: last.get(keyOf(place))?.locality ?? place.locality }));
}

function placeOf(
  { locality, load_balancing_weight, priority = 0 }: LocalityLbEndpoints,
  policy: ClusterLoadAssignment['policy'],
): EndpointPlace {
  if (load_balancing_weight === 0) throw new ConfigProblem('load_balancing_weight', NO_WEIGHT);
  if (priority > MAX_PRIORITY)
    throw new ConfigProblem('priority', `value must be less than or equal to ${MAX_PRIORITY}`);
  if (policy?.overprovisioning_factor === 0) {
    throw new ConfigProblem('policy.overprovisioning_factor', 'value must be greater than 0');
  }
  const { region = '', zone = '', sub_zone = '' } = locality ?? {};
  return {
    priority,
    // As in Envoy, a weight belongs to a locality that is named, be it without a word.
    locality: { key: `${region}/${zone}/${sub_zone}`, weight: (locality && load_balancing_weight) ?? 0 },
    overprovisioning: policy?.overprovisioning_factor ?? DEFAULT_OVERPROVISIONING,
    weighsHealth: policy?.weighted_priority_health === true,
  };
}

function compileEndpoint(given: LbEndpoint, place: EndpointPlace, field: string): EndpointConfig {
  const socket = given.endpoint?.address?.socket_address;
  if (socket === undefined) throw new ConfigProblem(`${field}.endpoint.address`, 'only socket_address is supported');
  if (!/^[\d.]+$|:/.test(socket.address)) {
    throw new ConfigProblem(`${field}.endpoint.address`, `malformed IP address: ${socket.address}`);
  }
  const address = { ip: socket.address, port: readPort(socket.port_value, `${field}.endpoint.address`) };
  readPort(given.endpoint.health_check_config?.port_value ?? 0, `${field}.endpoint.health_check_config`);
  return placedAt(address, settingsOf(given, place));
}

/** An endpoint of a cluster whose hosts are found by name. Throws ConfigProblem. */
export function compileNamedEndpoint(given: LbEndpoint, place: EndpointPlace, field: string): NamedEndpoint {
  const socket = given.endpoint?.address?.socket_address;
  if (socket === undefined) throw new ConfigProblem(`${field}.endpoint.address`, 'only socket_address is supported');
  const settings = settingsOf(given, place);
  const hostname = settings.hostname === '' ? socket.address : settings.hostname;
  return { name: socket.address, port: socket.port_value, settings: { ...settings, hostname } };
}

function readPort(port: number, field: string): number {
  if (port > 65_535) throw new ConfigProblem(field, 'port_value: value must be less than or equal to 65535');
  return port;
}

function settingsOf(given: LbEndpoint, place: EndpointPlace): EndpointSettings {
  if (given.load_balancing_weight === 0) throw new ConfigProblem('load_balancing_weight', NO_WEIGHT);
  const health = given.health_status ?? 'UNKNOWN';
  const workload = given.metadata?.filter_metadata?.['istio']?.['workload'];
  return {
    hostname: given.endpoint.hostname ?? '',
    weight: given.load_balancing_weight ?? 1,
    ...place,
    healthy: health === 'UNKNOWN' || health === 'HEALTHY' || health === 'DEGRADED',
    degraded: health === 'DEGRADED',
    status: health,
    draining: health === 'DRAINING',
    check: given.endpoint.health_check_config ?? {},
    socketMatch: given.metadata?.filter_metadata?.['envoy.transport_socket_match'] ?? {},
    workload: typeof workload === 'string' ? workload : '',
    metadata: given.metadata,
    origins: readOrigins(given.metadata),
    furtherAddresses: readFurther(given),
  };
}

function readFurther({ endpoint }: LbEndpoint): readonly SocketAddress[] | undefined {
  const { additional_addresses: given = [] } = endpoint as {
    additional_addresses?: readonly Pick<typeof endpoint, 'address'>[];
  };
  if (given.length === 0) return undefined;
  return given.map(({ address }, i) => {
    const field = `endpoint.additional_addresses[${i}].address`;
    if (address?.socket_address === undefined) throw new ConfigProblem(field, 'only socket_address is supported');
    return { ip: address.socket_address.address, port: readPort(address.socket_address.port_value, field) };
  });
}

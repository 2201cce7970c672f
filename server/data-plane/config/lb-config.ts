import type { Cluster } from '#xds';
import type { MaglevConfig } from '../upstream/hashing/maglev.ts';
import type { RingHashConfig } from '../upstream/hashing/ring-hash.ts';
import { compileHashPolicies, type HashPolicy } from './hash-policy.ts';
import { readExtension, usesExtension } from './lb-extension.ts';
import type { HostSource } from './named-hosts.ts';
import { ConfigProblem, within } from './problem.ts';
import { compileSubsets, type SubsetConfig } from './subset-config.ts';
import { durationMs, type Fields, readNumber, record } from './values.ts';
import { readZones, type ZoneConfig } from './zone-config.ts';

export type LbPolicy =
  | 'ROUND_ROBIN'
  | 'LEAST_REQUEST'
  | 'RANDOM'
  | 'RING_HASH'
  | 'MAGLEV'
  | 'CLUSTER_PROVIDED'
  /** Only as an extension. */
  | 'CLIENT_SIDE_WEIGHTED_ROUND_ROBIN';

/** Weights that hosts are given by what they say of their own load. */
export interface ReportedWeightsConfig {
  /** A host must have told its load for so long before it counts. */
  readonly blackoutMs: number;
  /** What was told counts for so long. */
  readonly expirationMs: number;
  /** How often weights are made anew. */
  readonly updateMs: number;
  /** How much errors among the requests add to a host's utilization. */
  readonly errorPenalty: number;
  /** Figures of reports that count as utilization before all others. */
  readonly metricNames: readonly string[];
}

/** New hosts take less at first: their weight grows with their age. */
export interface SlowStart {
  readonly windowMs: number;
  /** 1: in proportion to the age; more: faster at first. */
  readonly aggression: number;
  readonly minWeightPercent: number;
}

/** How a cluster chooses hosts. */
export interface BalancingConfig {
  readonly policy: LbPolicy;
  readonly ring: RingHashConfig;
  readonly maglev: MaglevConfig;
  /** Percent of its share of what is under way that a hashed host may have; 0: any. */
  readonly balanceFactor: number;
  /** What is hashed, in place of what routes say. */
  readonly hashPolicies: readonly HashPolicy[] | undefined;
  /** Hosts drawn by least request. */
  readonly choiceCount: number;
  /** Least request looks at every host instead. */
  readonly scansAll: boolean;
  /** Exponent of active requests where weights differ; 0 ignores them. */
  readonly activeRequestBias: number;
  readonly slowStart: SlowStart | undefined;
  /** Localities share the traffic by their weights. */
  readonly byLocality: boolean;
  /** Of balancers that do not hash, where a bootstrap names a local cluster. */
  readonly zones: ZoneConfig;
  /** Share of healthy hosts, in percent, below which all hosts are used; 0: never. */
  readonly panicThreshold: number;
  /** Where too few hosts are healthy, none is used instead of all. */
  readonly failsInPanic: boolean;
  /** New hosts count in no share of healthy ones until their first health check is over. */
  readonly excludesUnchecked: boolean;
  /** Connections are given up when hosts come or go. */
  readonly closesOnChange: boolean;
  /** Within so long after an update, other healths and weights of hosts wait for each other; 0: they do not. */
  readonly mergeWindowMs: number;
  /** Of hosts that sessions may go on with. */
  readonly overrideStatuses: ReadonlySet<string>;
  /** Requests choose among the hosts whose metadata is theirs. */
  readonly subsets: SubsetConfig | undefined;
  /** Absent: weights are those of the assignment. */
  readonly reports: ReportedWeightsConfig | undefined;
  /** Hosts that requests name come before those that are chosen; absent: they name none. */
  readonly named: readonly HostSource[] | undefined;
}

/** What a balancing policy is told, wherever it stands: in the cluster's own fields or in an extension. */
export interface PolicySource {
  readonly policy: LbPolicy;
  /** The policy's own settings. */
  readonly own: Fields | undefined;
  /** Of balancers that hash. */
  readonly hashing: Fields | undefined;
  /** What holds `zone_aware_lb_config` or `locality_weighted_lb_config`. */
  readonly locality: Fields | undefined;
  readonly subsets: SubsetConfig | undefined;
  readonly named?: readonly HostSource[];
  /** Where the fields stand. */
  readonly field: string;
}

const POLICIES = new Set<string>([
  'ROUND_ROBIN',
  'LEAST_REQUEST',
  'RANDOM',
  'RING_HASH',
  'MAGLEV',
  'CLUSTER_PROVIDED',
] satisfies LbPolicy[]);

const MERGE_WINDOW_MS = 1000;
const MIN_RING = 1024;
const MAX_RING = 8 * 1024 * 1024;
const MAGLEV_SIZE = 65_537;
const MAX_MAGLEV_SIZE = 5_000_011;
const LEAST_BALANCE_FACTOR = 100;

/** Reads the balancing part of envoy.config.cluster.v3.Cluster, with Envoy's defaults. Throws ConfigProblem. */
export function readBalancing(cluster: Cluster): BalancingConfig {
  const common = cluster.common_lb_config;
  // As in Envoy, what a policy is told as an extension is not held to the bounds of the cluster's own fields.
  const isExtension = usesExtension(cluster);
  const source = isExtension ? readExtension(cluster) : readOwnFields(cluster);
  const { own, hashing, locality, field } = source;
  const byHostname = hashing?.['use_hostname_for_hashing'] === true;
  if (byHostname && !isExtension && cluster.type !== 'STRICT_DNS' && cluster.type !== 'LOGICAL_DNS') {
    const why = `Cannot use hostname for consistent hashing loadbalancing for cluster of type: '${cluster.type ?? 'STATIC'}'`;
    throw new ConfigProblem(field, why);
  }
  const mergeWindow = common?.['update_merge_window'] as string | undefined;
  const hashPolicies = hashing?.['hash_policy'] as readonly Fields[] | undefined;
  return {
    policy: source.policy,
    ring: readRing(source.policy === 'RING_HASH' ? own : undefined, byHostname, field),
    maglev: readMaglev(source.policy === 'MAGLEV' ? own : undefined, byHostname, field),
    balanceFactor: isExtension ? readNumber(hashing?.['hash_balance_factor'], 0) : readBalanceFactor(hashing, field),
    hashPolicies: hashPolicies?.length ? within(field, () => compileHashPolicies(hashPolicies)) : undefined,
    choiceCount: readNumber(own?.['choice_count'], 2),
    scansAll: own?.['selection_method'] === 'FULL_SCAN' || own?.['enable_full_scan'] === true,
    activeRequestBias: readNumber(record(own?.['active_request_bias'])?.['default_value'], 1),
    slowStart: readSlowStart(own),
    byLocality: locality?.['locality_weighted_lb_config'] !== undefined,
    panicThreshold: readPanicThreshold(record(common?.['healthy_panic_threshold'])),
    zones: readZones(record(locality?.['zone_aware_lb_config'])),
    failsInPanic: record(locality?.['zone_aware_lb_config'])?.['fail_traffic_on_panic'] === true,
    excludesUnchecked: common?.['ignore_new_hosts_until_first_hc'] === true,
    closesOnChange: common?.['close_connections_on_host_set_change'] === true,
    mergeWindowMs: durationMs(mergeWindow, 'common_lb_config.update_merge_window', MERGE_WINDOW_MS),
    overrideStatuses: readStatuses(record(common?.['override_host_status'])),
    subsets: source.subsets,
    reports: source.policy === 'CLIENT_SIDE_WEIGHTED_ROUND_ROBIN' ? readReports(own ?? {}, field) : undefined,
    named: source.named,
  };
}

/** Without a list, hosts that are known to be bad are none to go on with. */
const readStatuses = (given: Fields | undefined): ReadonlySet<string> =>
  new Set((given?.['statuses'] as readonly string[] | undefined) ?? (given === undefined ? USABLE : []));

const USABLE: readonly string[] = ['UNKNOWN', 'HEALTHY', 'DEGRADED'];

const OWN_FIELDS: Readonly<Partial<Record<LbPolicy, keyof Cluster>>> = {
  ROUND_ROBIN: 'round_robin_lb_config',
  LEAST_REQUEST: 'least_request_lb_config',
  RING_HASH: 'ring_hash_lb_config',
  MAGLEV: 'maglev_lb_config',
};

function readOwnFields(cluster: Cluster): PolicySource {
  const policy = cluster.lb_policy ?? 'ROUND_ROBIN';
  if (!POLICIES.has(policy)) throw new ConfigProblem('lb_policy', `${policy} is not supported`);
  const field = OWN_FIELDS[policy as LbPolicy];
  const common = cluster.common_lb_config;
  return {
    policy: policy as LbPolicy,
    own: field && record(cluster[field]),
    hashing: record(common?.['consistent_hashing_lb_config']),
    locality: common,
    subsets: readSubsets(cluster),
    field: field ?? 'common_lb_config',
  };
}

function readSubsets(cluster: Cluster): SubsetConfig | undefined {
  const given = cluster.lb_subset_config;
  if (given === undefined) return undefined;
  const subsets = within('lb_subset_config', () => compileSubsets(given));
  if (subsets === undefined) return undefined;
  if (cluster.lb_policy === 'CLUSTER_PROVIDED') {
    const why = 'cluster: LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config';
    throw new ConfigProblem('lb_subset_config', why);
  }
  if (subsets.weighsLocalities && cluster.common_lb_config?.['locality_weighted_lb_config'] === undefined) {
    const why = `Locality weight aware subset LB requires that a locality_weighted_lb_config be set in ${cluster.name}`;
    throw new ConfigProblem('lb_subset_config', why);
  }
  return subsets;
}

function readRing(config: Fields | undefined, byHostname: boolean, field: string): RingHashConfig {
  const minRingSize = readNumber(config?.['minimum_ring_size'], MIN_RING);
  const maxRingSize = readNumber(config?.['maximum_ring_size'], MAX_RING);
  if (minRingSize > maxRingSize) {
    throw new ConfigProblem(
      field,
      `ring hash: minimum_ring_size (${minRingSize}) > maximum_ring_size (${maxRingSize})`,
    );
  }
  // Only the ring that hosts are sure to get takes room.
  const largest = field === 'ring_hash_lb_config' ? maxRingSize : minRingSize;
  if (largest > MAX_RING) throw new ConfigProblem(field, `a ring of ${largest} is above ${MAX_RING}`);
  const hashFunction = config?.['hash_function'] === 'MURMUR_HASH_2' ? 'MURMUR_HASH_2' : 'XX_HASH';
  return { minRingSize, maxRingSize, hashFunction, byHostname };
}

function readMaglev(config: Fields | undefined, byHostname: boolean, field: string): MaglevConfig {
  const tableSize = readNumber(config?.['table_size'], MAGLEV_SIZE);
  const largest = field === 'maglev_lb_config' ? MAX_MAGLEV_SIZE : MAX_RING;
  if (tableSize > largest) throw new ConfigProblem(`${field}.table_size`, `is above ${largest}`);
  if (!isPrime(tableSize)) {
    throw new ConfigProblem(`${field}.table_size`, 'The table size of maglev must be prime number');
  }
  return { tableSize, byHostname };
}

function isPrime(number: number): boolean {
  if (number < 2) return false;
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return true;
}

function readReports(own: Fields, field: string): ReportedWeightsConfig {
  if (own['enable_oob_load_report'] === true || record(own['enable_oob_load_report'])?.['value'] === true) {
    const why = 'this proxy opens no streams for reports; it reads those in headers and trailers of answers';
    throw new ConfigProblem(`${field}.enable_oob_load_report`, why);
  }
  return {
    blackoutMs: durationMs(own['blackout_period'] as string | undefined, 'blackout_period', 10_000),
    expirationMs: durationMs(
      own['weight_expiration_period'] as string | undefined,
      'weight_expiration_period',
      180_000,
    ),
    updateMs: durationMs(own['weight_update_period'] as string | undefined, 'weight_update_period', 1000),
    errorPenalty: readNumber(
      record(own['error_utilization_penalty'])?.['value'] ?? own['error_utilization_penalty'],
      0,
    ),
    metricNames: (own['metric_names_for_computing_utilization'] as readonly string[] | undefined) ?? [],
  };
}

function readSlowStart(config: Fields | undefined): SlowStart | undefined {
  const given = record(config?.['slow_start_config']);
  const window = given?.['slow_start_window'];
  if (given === undefined || typeof window !== 'string') return undefined;
  return {
    windowMs: durationMs(window, 'slow_start_config.slow_start_window', 0),
    // As in Envoy, none that is not above 0 counts.
    aggression: Math.max(0, readNumber(record(given['aggression'])?.['default_value'], 1)) || 1,
    minWeightPercent: readNumber(record(given['min_weight_percent'])?.['value'], 10),
  };
}

/** As in Envoy, only the whole percents count. */
function readPanicThreshold(percent: Fields | undefined): number {
  return percent === undefined ? 50 : Math.trunc(readNumber(percent['value'], 0));
}

function readBalanceFactor(hashing: Fields | undefined, field: string): number {
  const factor = readNumber(hashing?.['hash_balance_factor'], 0);
  if (factor === 0 || factor >= LEAST_BALANCE_FACTOR) return factor;
  throw new ConfigProblem(
    `${field}.hash_balance_factor`,
    `value must be greater than or equal to ${LEAST_BALANCE_FACTOR}`,
  );
}

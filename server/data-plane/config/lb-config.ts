import type { Cluster } from '#xds';
import type { MaglevConfig } from '../upstream/hashing/maglev.ts';
import type { RingHashConfig } from '../upstream/hashing/ring-hash.ts';
import { ConfigProblem } from './problem.ts';
import { durationMs, readNumber } from './values.ts';

export type LbPolicy = 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'RANDOM' | 'RING_HASH' | 'MAGLEV' | 'CLUSTER_PROVIDED';

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
  /** Hosts drawn by least request. */
  readonly choiceCount: number;
  /** Exponent of active requests where weights differ; 0 ignores them. */
  readonly activeRequestBias: number;
  readonly slowStart: SlowStart | undefined;
  /** Localities share the traffic by their weights. */
  readonly byLocality: boolean;
  /** Share of healthy hosts, in percent, below which all hosts are used; 0: never. */
  readonly panicThreshold: number;
  /** Where too few hosts are healthy, none is used instead of all. */
  readonly failsInPanic: boolean;
  /** New hosts count in no share of healthy ones until their first health check is over. */
  readonly excludesUnchecked: boolean;
}

const POLICIES = new Set<string>([
  'ROUND_ROBIN',
  'LEAST_REQUEST',
  'RANDOM',
  'RING_HASH',
  'MAGLEV',
  'CLUSTER_PROVIDED',
] satisfies LbPolicy[]);

const MIN_RING = 1024;
const MAX_RING = 8 * 1024 * 1024;
const MAGLEV_SIZE = 65_537;
const MAX_MAGLEV_SIZE = 5_000_011;

type Fields = Readonly<Record<string, unknown>>;

/** Reads the balancing part of envoy.config.cluster.v3.Cluster, with Envoy's defaults. Throws ConfigProblem. */
export function readBalancing(cluster: Cluster): BalancingConfig {
  const policy = cluster.lb_policy ?? 'ROUND_ROBIN';
  if (!POLICIES.has(policy)) throw new ConfigProblem('lb_policy', `${policy} is not supported`);
  const common = cluster.common_lb_config;
  const byHostname = record(common?.['consistent_hashing_lb_config'])?.['use_hostname_for_hashing'] === true;
  const leastRequest = record(cluster.least_request_lb_config);
  return {
    policy: policy as LbPolicy,
    ring: readRing(record(cluster.ring_hash_lb_config), byHostname),
    maglev: readMaglev(record(cluster.maglev_lb_config), byHostname),
    choiceCount: Math.max(2, readNumber(leastRequest?.['choice_count'], 2)),
    activeRequestBias: readNumber(record(leastRequest?.['active_request_bias'])?.['default_value'], 1),
    slowStart: readSlowStart(record(cluster.round_robin_lb_config) ?? leastRequest),
    byLocality: common?.['locality_weighted_lb_config'] !== undefined,
    panicThreshold: readPanicThreshold(record(common?.['healthy_panic_threshold'])),
    failsInPanic: record(common?.['zone_aware_lb_config'])?.['fail_traffic_on_panic'] === true,
    excludesUnchecked: common?.['ignore_new_hosts_until_first_hc'] === true,
  };
}

const record = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null ? (value as Fields) : undefined;

function readRing(config: Fields | undefined, byHostname: boolean): RingHashConfig {
  if (config?.['hash_function'] === 'MURMUR_HASH_2') {
    throw new ConfigProblem('ring_hash_lb_config.hash_function', 'MURMUR_HASH_2 is not supported; XX_HASH is');
  }
  const minRingSize = readNumber(config?.['minimum_ring_size'], MIN_RING);
  const maxRingSize = readNumber(config?.['maximum_ring_size'], MAX_RING);
  if (minRingSize > maxRingSize) {
    throw new ConfigProblem(
      'ring_hash_lb_config',
      `ring hash: minimum_ring_size (${minRingSize}) > maximum_ring_size (${maxRingSize})`,
    );
  }
  if (maxRingSize > MAX_RING) throw new ConfigProblem('ring_hash_lb_config.maximum_ring_size', `is above ${MAX_RING}`);
  return { minRingSize, maxRingSize, byHostname };
}

function readMaglev(config: Fields | undefined, byHostname: boolean): MaglevConfig {
  const tableSize = readNumber(config?.['table_size'], MAGLEV_SIZE);
  if (tableSize > MAX_MAGLEV_SIZE)
    throw new ConfigProblem('maglev_lb_config.table_size', `is above ${MAX_MAGLEV_SIZE}`);
  if (!isPrime(tableSize)) {
    throw new ConfigProblem('maglev_lb_config.table_size', 'The table size of maglev must be prime number');
  }
  return { tableSize, byHostname };
}

function isPrime(number: number): boolean {
  if (number < 2) return false;
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return true;
}

function readSlowStart(config: Fields | undefined): SlowStart | undefined {
  const given = record(config?.['slow_start_config']);
  const window = given?.['slow_start_window'];
  if (given === undefined || typeof window !== 'string') return undefined;
  return {
    windowMs: durationMs(window, 'slow_start_config.slow_start_window', 0),
    aggression: readNumber(record(given['aggression'])?.['default_value'], 1),
    minWeightPercent: readNumber(record(given['min_weight_percent'])?.['value'], 10),
  };
}

function readPanicThreshold(percent: Fields | undefined): number {
  return percent === undefined ? 50 : readNumber(percent['value'], 0);
}

import type { PairCase, PairHost, PairRequest } from '../pairs/case-file.ts';
import { type Dice, dice } from './dice.ts';
import { walkedLog } from './walk.ts';

const REQUESTS = 14;
const HOSTS = ['one', 'two', 'three', 'refusing'] as const;
const KEYS = ['v', 's', 't'] as const;
const HEALTHS = ['UNHEALTHY', 'DEGRADED', 'DRAINING', 'HEALTHY', 'TIMEOUT'] as const;
const SUBSET_FALLBACKS = ['NO_FALLBACK', 'ANY_ENDPOINT', 'DEFAULT_SUBSET'] as const;

/** Clusters of all shapes whose balancer hashes, so that each request has one host that may answer it. */
export const cases = (seed: string, count: number): PairCase[] =>
  Array.from({ length: count }, (_, i) => {
    const roll = dice(`${seed}/balancers/${i}`);
    return {
      name: `b${i}`,
      http: { access_log: [walkedLog('walk')], preserve_external_request_id: true },
      routes: [0, 1, 2].map((at) => route(roll, at)),
      clusters: { c: cluster(roll) },
      requests: Array.from({ length: REQUESTS }, (_none, at) => request(roll, at)),
    };
  });

function cluster(roll: Dice): PairCase['clusters'][string] {
  const given = roll.some(HOSTS, 75);
  const hosts = (given.length === 0 ? [...HOSTS] : given).map((host) => member(roll, host));
  return {
    hosts,
    ...roll.one([legacy, legacy, extended])(roll),
    ...roll.maybe(40, () => ({
      policy: {
        ...roll.maybe(70, () => ({ overprovisioning_factor: roll.one([100, 140, 200]) })),
        ...roll.maybe(30, () => ({ weighted_priority_health: true })),
      },
    })),
  };
}

const legacy = (roll: Dice): object => ({
  ...roll.one([
    () => ({ lb_policy: 'RING_HASH', ...roll.maybe(50, () => ({ ring_hash_lb_config: ring(roll) })) }),
    () => ({ lb_policy: 'MAGLEV', ...roll.maybe(50, () => ({ maglev_lb_config: { table_size: 251 } })) }),
  ])(),
  ...roll.maybe(70, () => ({ common_lb_config: common(roll) })),
  ...roll.maybe(60, () => ({ lb_subset_config: subsets(roll) })),
});

/** The policy that is an extension knows a field more. */
const extended = (roll: Dice): object => ({
  load_balancing_policy: policy('subset', 'Subset', {
    ...subsets(roll),
    ...roll.maybe(50, () => ({ allow_redundant_keys: true })),
    subset_lb_policy: roll.one([
      policy('maglev', 'Maglev', { table_size: 251 }),
      policy('ring_hash', 'RingHash', { minimum_ring_size: 64 }),
    ]),
  }),
});

const policy = (name: string, message: string, fields: object): object => {
  const type = `type.googleapis.com/envoy.extensions.load_balancing_policies.${name}.v3.${message}`;
  return { policies: [{ typed_extension_config: { name, typed_config: { '@type': type, ...fields } } }] };
};

const member = (roll: Dice, host: string): PairHost => ({
  host,
  labels: Object.fromEntries(roll.some(KEYS, 75).map((key) => [key, roll.one(['1', '2', ['1', '2'], 1])])),
  ...roll.maybe(35, () => ({ health: roll.one(HEALTHS) })),
  ...roll.maybe(40, () => ({ weight: 1 + roll.below(5) })),
  ...roll.maybe(40, () => ({ priority: roll.below(2) })),
  ...roll.maybe(40, () => ({ region: roll.one(['east', 'west']), share: 1 + roll.below(3) })),
  ...roll.maybe(20, () => ({ hostname: `${host}.test` })),
});

const ring = (roll: Dice): object => ({
  minimum_ring_size: roll.one([8, 64, 1024]),
  ...roll.maybe(40, () => ({ hash_function: roll.one(['XX_HASH', 'MURMUR_HASH_2']) })),
});

const common = (roll: Dice): object => ({
  ...roll.maybe(50, () => ({ healthy_panic_threshold: { value: roll.one([0, 30, 50, 100]) } })),
  ...roll.maybe(40, () => ({ locality_weighted_lb_config: {} })),
  ...roll.maybe(40, () => ({
    consistent_hashing_lb_config: {
      use_hostname_for_hashing: roll.chance(50),
      ...roll.maybe(50, () => ({ hash_balance_factor: roll.one([100, 150]) })),
    },
  })),
  ...roll.maybe(30, () => ({
    override_host_status: { statuses: roll.one([['HEALTHY'], ['UNHEALTHY', 'HEALTHY'], ['DEGRADED']]) },
  })),
});

function subsets(roll: Dice): object {
  const lists = [['v'], ['s'], ['v', 's'], ['t', 'v'], ['s', 't', 'v']];
  const selectors = roll.some(lists, 50).map((keys) => ({
    keys,
    ...roll.maybe(40, () =>
      keys.length > 1 && roll.chance(40)
        ? { fallback_policy: 'KEYS_SUBSET', fallback_keys_subset: [roll.one(keys)] }
        : { fallback_policy: roll.one(SUBSET_FALLBACKS) },
    ),
    ...(keys.length === 1 && roll.chance(30) && { single_host_per_subset: true }),
  }));
  return {
    fallback_policy: roll.one(SUBSET_FALLBACKS),
    subset_selectors: selectors.length === 0 ? [{ keys: ['v'] }] : selectors,
    ...roll.maybe(50, () => ({ default_subset: labels(roll) })),
    ...roll.maybe(25, () => ({ list_as_any: true })),
    ...roll.maybe(25, () => ({ panic_mode_any: true })),
    ...roll.maybe(25, () => ({ metadata_fallback_policy: 'FALLBACK_LIST' })),
  };
}

const labels = (roll: Dice): Record<string, unknown> =>
  Object.fromEntries(roll.some(KEYS, 50).map((key) => [key, roll.one(['1', '1', '2', '3', 1])]));

const route = (roll: Dice, at: number): object => ({
  match: { prefix: at === 2 ? '/' : `/r${at}` },
  route: {
    cluster: 'c',
    // Whatever else there is, the user decides in the end: without any hash chance would.
    hash_policy: [...policies(roll), { header: { header_name: 'x-user' } }],
    ...roll.maybe(70, () => ({
      metadata_match: {
        filter_metadata: {
          'envoy.lb': {
            ...labels(roll),
            ...roll.maybe(25, () => ({ fallback_list: [labels(roll), labels(roll)].slice(roll.below(2)) })),
          },
        },
      },
    })),
    ...roll.maybe(30, () => ({
      retry_policy: {
        retry_on: '5xx',
        num_retries: 1 + roll.below(2),
        ...roll.maybe(50, () => ({ retry_host_predicate: [PREVIOUS_HOSTS], host_selection_retry_max_attempts: '5' })),
        ...roll.maybe(40, () => ({ retry_priority: PREVIOUS_PRIORITIES })),
      },
    })),
  },
});

const PREVIOUS_HOSTS = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
  },
};
const PREVIOUS_PRIORITIES = {
  name: 'envoy.retry_priorities.previous_priorities',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
    update_frequency: 1,
  },
};

const policies = (roll: Dice): object[] =>
  roll.some(
    [
      { header: { header_name: 'x-a' }, ...roll.maybe(50, () => ({ terminal: true })) },
      {
        header: { header_name: 'x-b', regex_rewrite: { pattern: { regex: '^(.).*$' }, substitution: '\\1' } },
      },
      { cookie: { name: 'c' } },
      { query_parameter: { name: 'q' }, ...roll.maybe(50, () => ({ terminal: true })) },
    ],
    35,
  );

const request = (roll: Dice, at: number): PairRequest => ({
  name: `q${at}`,
  path: `${roll.one(['/r0', '/r1', '/'])}${roll.one(['', '?q=1', '?q=2&q=3', '?q='])}`,
  headers: {
    'x-user': `user-${roll.below(50)}`,
    ...roll.maybe(30, () => ({ 'x-a': roll.one(['1', ['1', '2'], '', 'abc']) })),
    ...roll.maybe(30, () => ({ 'x-b': roll.one(['beta', 'gamma']) })),
    ...roll.maybe(30, () => ({ cookie: roll.one(['c=1', 'a=b; c="two"', 'c=']) })),
    ...roll.maybe(25, () => ({ 'x-echo-status': '503' })),
  },
  expect: { status: 200 },
});

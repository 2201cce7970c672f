import type { PairCase, PairRequest } from '../pairs/case-file.ts';
import { type Dice, dice } from './dice.ts';
import { walkedLog } from './walk.ts';

const REQUESTS = 24;
const HOSTS = ['one', 'two', 'three', 'refusing'] as const;
/** Of hosts that fail; a reset counts as one of the local side where the two are told apart. */
const STATUSES = ['200', '200', '404', '500', '500', '502', '503', '504', '599', 'before'] as const;

/** Clusters whose hosts are ejected by rows of failures; each request names its host, so nothing is left to chance. */
export const cases = (seed: string, count: number): PairCase[] =>
  Array.from({ length: count }, (_, i) => {
    const roll = dice(`${seed}/outliers/${i}`);
    const members = roll.shuffled(HOSTS).slice(0, 2 + roll.below(3));
    return {
      name: `o${i}`,
      http: { access_log: [walkedLog('walk')], preserve_external_request_id: true },
      routes: members.map(route),
      clusters: {
        c: {
          hosts: members.map((host) => ({ host, labels: { v: host } })),
          outlier_detection: policy(roll),
          common_lb_config: {
            healthy_panic_threshold: { value: roll.one([0, 0, 50, 100]) },
            update_merge_window: '0s',
          },
          lb_subset_config: {
            fallback_policy: roll.one(['NO_FALLBACK', 'DEFAULT_SUBSET']),
            subset_selectors: [{ keys: ['v'] }],
          },
        },
      },
      requests: Array.from({ length: REQUESTS }, (_none, at) => request(roll, at, members)),
    };
  });

/** Without retries: they race with Envoy's main thread, which ejects. */
const route = (host: string): object => ({
  match: { prefix: `/${host}` },
  route: {
    cluster: 'c',
    metadata_match: { filter_metadata: { 'envoy.lb': { v: host } } },
  },
});

/** Nothing comes back, and no rates are compared, within the time of a walk. */
const policy = (roll: Dice): object => ({
  interval: '1000s',
  base_ejection_time: '1000s',
  max_ejection_time: '1000s',
  enforcing_success_rate: 0,
  consecutive_5xx: 1 + roll.below(4),
  ...roll.maybe(50, () => ({ enforcing_consecutive_5xx: roll.one([0, 100]) })),
  ...roll.maybe(60, () => ({ consecutive_gateway_failure: 1 + roll.below(3) })),
  ...roll.maybe(60, () => ({ enforcing_consecutive_gateway_failure: roll.one([0, 100]) })),
  ...roll.maybe(50, () => ({ split_external_local_origin_errors: true })),
  ...roll.maybe(50, () => ({ consecutive_local_origin_failure: 1 + roll.below(3) })),
  ...roll.maybe(50, () => ({ enforcing_consecutive_local_origin_failure: roll.one([0, 100]) })),
  ...roll.maybe(80, () => ({ max_ejection_percent: roll.one([0, 10, 34, 50, 67, 100, 100]) })),
  ...roll.maybe(30, () => ({ always_eject_one_host: true })),
});

const request = (roll: Dice, at: number, members: readonly string[]): PairRequest => {
  const status = roll.one(STATUSES);
  return {
    name: `q${at}`,
    path: `/${roll.one(members)}`,
    headers: status === 'before' ? { 'x-echo-reset': status } : { 'x-echo-status': status },
    expect: { status: 200 },
  };
};

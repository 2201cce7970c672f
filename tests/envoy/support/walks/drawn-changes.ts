import type { Dice } from './dice.ts';
import { type DrawnFilter, share, typed } from './drawn-filter.ts';
import { added } from './route-actions.ts';
import { headerMatch, textMatch } from './route-matches.ts';

const NAMES = [
  'x-a',
  'x-b',
  'x-n',
  'accept',
  'x-new',
  'x-host',
  'content-type',
  'cookie',
  'x-echo-status',
  'user-agent2',
];

const mutation = (roll: Dice): object =>
  roll.one([
    () => ({ append: added(roll) }),
    () => ({ append: added(roll) }),
    () => ({ remove: roll.one([...NAMES, 'X-Host']) }),
    () => ({
      remove_on_match: {
        key_matcher: roll.one([
          { prefix: 'x-a' },
          { prefix: 'X-', ignore_case: true },
          { suffix: '-n' },
          { exact: 'accept' },
          { contains: 'ost' },
          { safe_regex: { google_re2: {}, regex: 'x-[ab]' } },
        ]),
      },
    }),
  ])();

const mutations = (roll: Dice): object => ({
  ...roll.maybe(70, () => ({ request_mutations: [0, 1, 2].slice(roll.below(3)).map(() => mutation(roll)) })),
  ...roll.maybe(70, () => ({ response_mutations: [0, 1, 2].slice(roll.below(3)).map(() => mutation(roll)) })),
  ...roll.maybe(50, () => ({
    query_parameter_mutations: [0, 1].slice(roll.below(2)).map(() =>
      roll.one([
        () => ({ remove: roll.one(['q', 'p', 'z']) }),
        () => ({
          append: {
            record: { key: roll.one(['q', 'p', 'z']), value: roll.one(['v', '%REQ(x-n)%', 'a&c', '']) },
            action: roll.one([
              'APPEND_IF_EXISTS_OR_ADD',
              'ADD_IF_ABSENT',
              'OVERWRITE_IF_EXISTS_OR_ADD',
              'OVERWRITE_IF_EXISTS',
            ]),
          },
        }),
      ])(),
    ),
  })),
});

export const headerMutation = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.header_mutation',
  config: typed('header_mutation.v3.HeaderMutation', {
    mutations: mutations(roll),
    ...roll.maybe(40, () => ({ most_specific_header_mutations_wins: true })),
  }),
  onRoute: typed('header_mutation.v3.HeaderMutationPerRoute', { mutations: mutations(roll) }),
});

const origin = (roll: Dice): object =>
  roll.one([
    { exact: 'http://a.test' },
    { exact: '*' },
    { prefix: 'http://a' },
    { suffix: '.test' },
    { safe_regex: { regex: 'https?://[ab][.]test' } },
    { contains: 'B', ignore_case: true },
  ]);

export const cors = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.cors',
  config: typed('cors.v3.Cors', {}),
  onRoute: typed('cors.v3.CorsPolicy', {
    ...roll.maybe(85, () => ({ allow_origin_string_match: [0, 1].slice(roll.below(2)).map(() => origin(roll)) })),
    ...roll.maybe(60, () => ({ allow_methods: roll.one(['GET,POST', '*', 'PUT']) })),
    ...roll.maybe(60, () => ({ allow_headers: roll.one(['x-a', '*', 'x-a,x-b']) })),
    ...roll.maybe(50, () => ({ expose_headers: roll.one(['x-host', '*']) })),
    ...roll.maybe(50, () => ({ max_age: roll.one(['100', '0', 'x']) })),
    ...roll.maybe(50, () => ({ allow_credentials: roll.chance(60) })),
    ...roll.maybe(40, () => ({ filter_enabled: share(roll) })),
    ...roll.maybe(40, () => ({ shadow_enabled: share(roll) })),
    ...roll.maybe(40, () => ({ allow_private_network_access: roll.chance(60) })),
    ...roll.maybe(60, () => ({ forward_not_matching_preflights: roll.chance(50) })),
  }),
});

const csrfPolicy = (roll: Dice): object =>
  typed('csrf.v3.CsrfPolicy', {
    filter_enabled: share(roll),
    ...roll.maybe(40, () => ({ shadow_enabled: share(roll) })),
    ...roll.maybe(50, () => ({ additional_origins: [textMatch(roll), { suffix: 'b.test' }].slice(roll.below(2)) })),
  });

export const csrf = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.csrf',
  config: csrfPolicy(roll),
  onRoute: csrfPolicy(roll),
});

const percentage = (roll: Dice): object => ({ numerator: roll.one([0, 100, 100]), denominator: 'HUNDRED' });

const faults = (roll: Dice): object =>
  typed('fault.v3.HTTPFault', {
    ...roll.maybe(40, () => ({
      delay: {
        ...roll.one([{ fixed_delay: '0.005s' }, { header_delay: {} }]),
        ...roll.maybe(90, () => ({ percentage: percentage(roll) })),
      },
    })),
    ...roll.maybe(75, () => ({
      abort: {
        ...roll.one([
          { http_status: 418 },
          { http_status: 503 },
          { grpc_status: 14 },
          { grpc_status: 0 },
          { header_abort: {} },
          { header_abort: {} },
        ]),
        ...roll.maybe(90, () => ({ percentage: percentage(roll) })),
      },
    })),
    ...roll.maybe(35, () => ({ headers: [headerMatch(roll)] })),
    ...roll.maybe(15, () => ({ upstream_cluster: roll.one(['CASE.one', 'CASE.two']) })),
    ...roll.maybe(15, () => ({ downstream_nodes: ['a', 'v'] })),
    ...roll.maybe(15, () => ({ max_active_faults: roll.one([0, 1]) })),
    ...roll.maybe(20, () => ({ disable_downstream_cluster_stats: true })),
    ...roll.maybe(20, () => ({ filter_metadata: { k: 'v' } })),
  });

export const fault = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.fault',
  config: faults(roll),
  onRoute: faults(roll),
});

const pair = (roll: Dice): object => ({
  metadata_namespace: roll.one(['walk', '', 'other']),
  key: roll.one(['k', 'l']),
  ...roll.one<() => object>([
    () => ({}),
    () => ({ value: roll.one(['v', '7']) }),
    () => ({
      regex_value_rewrite: {
        pattern: { regex: roll.one(['^(.)(.*)$', 'v', '[0-9]']) },
        substitution: roll.one(['\\2\\1', 'w', '']),
      },
    }),
  ])(),
  ...roll.maybe(50, () => ({ type: roll.one(['STRING', 'NUMBER', 'PROTOBUF_VALUE']) })),
  ...roll.maybe(20, () => ({ encode: 'BASE64' })),
});
const metadataRule = (roll: Dice): object => ({
  ...roll.one([
    { header: 'x-a' },
    { header: 'x-host' },
    { header: 'x-n' },
    { cookie: 'c' },
    { header: 'content-type' },
  ]),
  ...roll.maybe(80, () => ({ on_header_present: pair(roll) })),
  ...roll.maybe(50, () => ({ on_header_missing: { ...pair(roll), value: 'missing', regex_value_rewrite: undefined } })),
  ...roll.maybe(30, () => ({ remove: true })),
});
const metadataConfig = (roll: Dice): object =>
  typed('header_to_metadata.v3.Config', {
    ...roll.maybe(80, () => ({ request_rules: [0, 1].slice(roll.below(2)).map(() => metadataRule(roll)) })),
    ...roll.maybe(50, () => ({ response_rules: [0, 1].slice(roll.below(2)).map(() => metadataRule(roll)) })),
    ...roll.maybe(30, () => ({ stat_prefix: 'htm' })),
  });
export const headerToMetadata = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.header_to_metadata',
  config: metadataConfig(roll),
  onRoute: metadataConfig(roll),
});

export const setMetadata = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.set_metadata',
  config: typed(
    'set_metadata.v3.Config',
    roll.chance(40)
      ? { metadata_namespace: 'walk', value: { k: roll.one<unknown>(['v', 7, ['a', 'b'], { n: 1 }]) } }
      : {
          metadata: [0, 1].slice(roll.below(2)).map(() => ({
            metadata_namespace: roll.one(['walk', 'other']),
            value: { k: roll.one<unknown>(['v', 7, ['a'], { n: 1 }]), m: 'x' },
            ...roll.maybe(50, () => ({ allow_overwrite: true })),
          })),
        },
  ),
});

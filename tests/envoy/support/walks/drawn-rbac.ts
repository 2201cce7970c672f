import type { Dice } from './dice.ts';
import { type DrawnFilter, TYPES, typed } from './drawn-filter.ts';
import { headerMatch, textMatch } from './route-matches.ts';

const path = (roll: Dice): object => ({
  path: roll.one([
    { exact: '/a' },
    { prefix: '/a' },
    { suffix: 'b' },
    { safe_regex: { google_re2: {}, regex: '/[ab].*' } },
    { exact: '/A', ignore_case: true },
    { contains: '%2F' },
  ]),
});

function permission(roll: Dice, depth: number): object {
  const leaves = [
    () => ({ any: true }),
    () => ({ header: headerMatch(roll) }),
    () => ({ header: headerMatch(roll) }),
    () => ({ url_path: path(roll) }),
    () => ({ url_path: path(roll) }),
    () => ({ destination_port: roll.one([20_000, 80]) }),
    () => ({ destination_port_range: { start: 20_000, end: 30_000 } }),
    () => ({ destination_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } }),
    () => ({ requested_server_name: roll.one([{ exact: '' }, { exact: 'a' }, { safe_regex: { regex: '.*' } }]) }),
    () => ({ metadata: { filter: 'walk', path: [{ key: 'k' }], value: { string_match: textMatch(roll) } } }),
  ];
  const sets = () => ({ rules: [0, 1].slice(roll.below(2)).map(() => permission(roll, depth - 1)) });
  if (depth === 0 || roll.chance(40)) return roll.one(leaves)();
  return roll.one<() => object>([
    () => ({ and_rules: sets() }),
    () => ({ or_rules: sets() }),
    () => ({ not_rule: permission(roll, depth - 1) }),
  ])();
}

function principal(roll: Dice, depth: number): object {
  const leaves = [
    () => ({ any: true }),
    () => ({ header: headerMatch(roll) }),
    () => ({ url_path: path(roll) }),
    () => ({ remote_ip: { address_prefix: roll.one(['127.0.0.0', '8.8.0.0', '10.0.0.0']), prefix_len: 8 } }),
    () => ({ direct_remote_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } }),
    () => ({ source_ip: { address_prefix: '10.0.0.0', prefix_len: 8 } }),
    () => ({ authenticated: roll.one([{}, { principal_name: { suffix: 'x' } }]) }),
    () => ({ metadata: { filter: 'walk', path: [{ key: 'k' }], value: { string_match: textMatch(roll) } } }),
    () => ({ filter_state: { key: 'walk.state', string_match: textMatch(roll) } }),
  ];
  const sets = () => ({ ids: [0, 1].slice(roll.below(2)).map(() => principal(roll, depth - 1)) });
  if (depth === 0 || roll.chance(40)) return roll.one<() => object>(leaves)();
  return roll.one<() => object>([
    () => ({ and_ids: sets() }),
    () => ({ or_ids: sets() }),
    () => ({ not_id: principal(roll, depth - 1) }),
  ])();
}

const policies = (roll: Dice): object =>
  Object.fromEntries(
    ['b', 'a', 'c'].slice(roll.below(3)).map((name) => [
      name,
      {
        permissions: [0, 1].slice(roll.below(2)).map(() => permission(roll, 2)),
        principals: [0, 1].slice(roll.below(2)).map(() => principal(roll, 2)),
      },
    ]),
  );

const rules = (roll: Dice): object => ({
  action: roll.one(['ALLOW', 'DENY', 'DENY', 'LOG']),
  ...roll.maybe(95, () => ({ policies: policies(roll) })),
});

const ATTRIBUTES = `${TYPES}.matching.common_inputs`;
const input = (roll: Dice): object =>
  roll.one([
    {
      name: 'h',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput',
        header_name: roll.one(['x-a', ':path', 'x-b', ':method']),
      },
    },
    { name: 'ip', typed_config: { '@type': `${ATTRIBUTES}.network.v3.SourceIPInput` } },
    { name: 'port', typed_config: { '@type': `${ATTRIBUTES}.network.v3.DestinationPortInput` } },
  ]);
const rbacAction = (roll: Dice, name: string): object => ({
  action: {
    name: 'action',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.config.rbac.v3.Action',
      name,
      ...roll.maybe(60, () => ({ action: roll.one(['DENY', 'ALLOW', 'LOG']) })),
    },
  },
});
const predicate = (roll: Dice, depth: number): object =>
  depth === 0 || roll.chance(50)
    ? { single_predicate: { input: input(roll), value_match: textMatch(roll) } }
    : roll.one<() => object>([
        () => ({ or_matcher: { predicate: [predicate(roll, depth - 1), predicate(roll, depth - 1)] } }),
        () => ({ and_matcher: { predicate: [predicate(roll, depth - 1), predicate(roll, depth - 1)] } }),
        () => ({ not_matcher: predicate(roll, depth - 1) }),
      ])();
const tree = (roll: Dice): object => ({
  ...roll.one<() => object>([
    () => ({
      matcher_list: {
        matchers: [0, 1]
          .slice(roll.below(2))
          .map((at) => ({ predicate: predicate(roll, 2), on_match: { ...rbacAction(roll, `m${at}`) } })),
      },
    }),
    () => ({
      matcher_tree: {
        input: input(roll),
        [roll.one(['exact_match_map', 'prefix_match_map'])]: {
          map: Object.fromEntries(['v', '/a', 'GET', '7'].map((key) => [key, rbacAction(roll, `t${key}`)])),
        },
      },
    }),
  ])(),
  ...roll.maybe(60, () => ({ on_no_match: rbacAction(roll, 'none') })),
});

const rbacConfig = (roll: Dice): object =>
  typed('rbac.v3.RBAC', {
    ...roll.one<() => object>([
      () => ({ rules: rules(roll) }),
      () => ({ rules: rules(roll) }),
      () => ({ matcher: tree(roll) }),
      () => ({}),
    ])(),
    ...roll.maybe(25, () => ({ rules_stat_prefix: 'rsp_' })),
    ...roll.one<() => object>([
      () => ({ shadow_rules: rules(roll) }),
      () => ({ shadow_matcher: tree(roll) }),
      () => ({}),
    ])(),
    ...roll.maybe(30, () => ({ shadow_rules_stat_prefix: roll.one(['sh_', 'istio_dry_run_allow_']) })),
    ...roll.maybe(25, () => ({ track_per_rule_stats: true })),
  });

export const rbac = (roll: Dice): DrawnFilter => ({
  name: 'envoy.filters.http.rbac',
  config: rbacConfig(roll),
  onRoute: typed('rbac.v3.RBACPerRoute', roll.chance(80) ? { rbac: { ...rbacConfig(roll), '@type': undefined } } : {}),
});

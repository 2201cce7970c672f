import {
  aboveZero,
  atLeast,
  atMostItems,
  checkRules,
  filled,
  longerThanZero,
  oneLine,
  onlyTrue,
  type Rule,
  required,
  rule,
  someItems,
  upTo,
  valuesOf,
  withinMs,
} from './bounds.ts';
import { ConfigProblem, within } from './problem.ts';

const HTTP = 'type.googleapis.com/envoy.extensions.filters.http.';
const NETWORK = 'type.googleapis.com/envoy.extensions.filters.network.';

/** Rules for a TokenBucket. */
const bucketRules = (path: string): readonly Rule[] => [
  rule(`${path}/tokens_per_fill`, aboveZero),
  rule(`${path}/fill_interval`, required),
  rule(`${path}/fill_interval`, longerThanZero),
];

/** Rules of Envoy's API for the configurations of filters, by type. */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  [`${HTTP}fault.v3.HTTPFault`]: [rule('delay/fixed_delay', longerThanZero)],
  [`${HTTP}buffer.v3.Buffer`]: [rule('max_request_bytes', required), rule('max_request_bytes', aboveZero)],
  [`${HTTP}csrf.v3.CsrfPolicy`]: [rule('filter_enabled', required)],
  [`${HTTP}health_check.v3.HealthCheck`]: [rule('pass_through_mode', required)],
  [`${HTTP}local_ratelimit.v3.LocalRateLimit`]: [
    rule('stat_prefix', filled),
    ...bucketRules('token_bucket'),
    rule('stage', upTo(10)),
    rule('descriptors/entries', someItems),
    rule('descriptors/entries/key', filled),
    rule('descriptors/token_bucket', required),
    ...bucketRules('descriptors/token_bucket'),
    rule('max_dynamic_descriptors', atLeast(1)),
    rule('response_headers_to_add', atMostItems(10)),
    rule('request_headers_to_add_when_not_enforced', atMostItems(10)),
  ],
  [`${HTTP}bandwidth_limit.v3.BandwidthLimit`]: [
    rule('stat_prefix', filled),
    rule('limit_kbps', atLeast(1)),
    rule('fill_interval', withinMs(20, 1000, '[20ms, 1s]')),
    rule('runtime_enabled/default_value', required),
    rule('response_trailer_prefix', oneLine),
  ],
  [`${HTTP}ratelimit.v3.RateLimit`]: [
    rule('domain', filled),
    rule('stage', upTo(10)),
    rule('response_headers_to_add', atMostItems(10)),
  ],
  [`${HTTP}buffer.v3.BufferPerRoute`]: [
    rule('disabled', onlyTrue),
    rule('buffer/max_request_bytes', required),
    rule('buffer/max_request_bytes', aboveZero),
  ],
  [`${HTTP}jwt_authn.v3.PerRouteConfig`]: [rule('disabled', onlyTrue)],
  [`${NETWORK}rbac.v3.RBAC`]: [rule('stat_prefix', filled)],
  [`${NETWORK}ext_authz.v3.ExtAuthz`]: [rule('stat_prefix', filled)],
  [`${NETWORK}connection_limit.v3.ConnectionLimit`]: [rule('delay', longerThanZero)],
  [`${NETWORK}local_ratelimit.v3.LocalRateLimit`]: bucketRules('token_bucket'),
};

/** What routes say to filters by one of several fields: its name in Envoy's API, and the fields. */
const CHOICES: Readonly<Record<string, readonly [name: string, ...fields: string[]]>> = {
  [`${HTTP}buffer.v3.BufferPerRoute`]: ['override', 'disabled', 'buffer'],
  [`${HTTP}compressor.v3.CompressorPerRoute`]: ['override', 'disabled', 'overrides'],
  [`${HTTP}ext_authz.v3.ExtAuthzPerRoute`]: ['override', 'disabled', 'check_settings'],
  [`${HTTP}jwt_authn.v3.PerRouteConfig`]: ['requirement_specifier', 'disabled', 'requirement_name'],
  [`${HTTP}stateful_session.v3.StatefulSessionPerRoute`]: ['override', 'disabled', 'stateful_session'],
};

/** Rules for the policies of an RBAC filter, whose names are keys. */
const POLICY: readonly Rule[] = [
  rule('permissions', someItems),
  rule('principals', someItems),
  rule('permissions/and_rules/rules', someItems),
  rule('permissions/or_rules/rules', someItems),
  rule('permissions/destination_port', upTo(65_535)),
  rule('principals/and_ids/ids', someItems),
  rule('principals/or_ids/ids', someItems),
];

/** Holds the configuration of a filter against the rules of Envoy's API. Throws ConfigProblem. */
export function checkFilter(config: { readonly '@type'?: string }): void {
  // A FilterConfig may hold a configuration of no type, which says nothing.
  const { '@type': type = '' } = config;
  checkRules(config, RULES[type] ?? []);
  const [choice, ...fields] = CHOICES[type] ?? [];
  if (choice !== undefined && fields.every((field) => Reflect.get(config, field) === undefined)) {
    throw new ConfigProblem(choice, 'is required');
  }
  if (type.endsWith('.rbac.v3.RBACPerRoute')) {
    const { rbac } = config as { readonly rbac?: object };
    if (rbac !== undefined) within('rbac', () => checkPolicies(rbac));
  }
  if (type.endsWith('.rbac.v3.RBAC')) checkPolicies(config);
}

function checkPolicies(config: object): void {
  for (const engine of ['rules', 'shadow_rules']) {
    const { [engine]: given } = config as Readonly<Record<string, unknown>>;
    for (const [name, policy] of valuesOf(given, 'policies'))
      within(`${engine}.policies[${name}]`, () => checkRules(policy, POLICY));
  }
}

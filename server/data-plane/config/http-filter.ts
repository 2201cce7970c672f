import type { Any, HttpConnectionManager } from '#xds';
import { type ExtAuthzConfig, readExtAuthz } from './ext-authz-config.ts';
import { type FaultPolicy, readFault } from './fault-policy.ts';
import { type JwtFilterConfig, readJwtAuthn } from './jwt-config.ts';
import { type ModuleFilterConfig, readModuleFilter } from './module-filter.ts';
import { ConfigProblem, unknownExtension, within } from './problem.ts';
import {
  type LocalRateLimitConfig,
  type RateLimitConfig,
  readLocalRateLimit,
  readRateLimit,
} from './rate-limit-config.ts';
import { type RbacFilterConfig, readRbac } from './rbac/rbac.ts';

type HttpFilterJson = NonNullable<HttpConnectionManager['http_filters']>[number] & {
  readonly disabled?: boolean;
  readonly is_optional?: boolean;
};

/** An HTTP filter with its configuration, ready to become a layer. */
export type HttpFilterPlan =
  | { readonly kind: 'cors' | 'router' }
  | { readonly kind: 'fault'; readonly config: FaultPolicy | undefined }
  | { readonly kind: 'module'; readonly config: ModuleFilterConfig }
  | { readonly kind: 'rbac'; readonly config: RbacFilterConfig }
  | { readonly kind: 'jwt_authn'; readonly config: JwtFilterConfig }
  | { readonly kind: 'ext_authz'; readonly config: ExtAuthzConfig }
  | { readonly kind: 'local_ratelimit'; readonly config: LocalRateLimitConfig }
  | { readonly kind: 'ratelimit'; readonly config: RateLimitConfig };

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';

/** By the type of their configuration: a filter's name is free. */
const READERS: Readonly<Record<string, (config: Any) => HttpFilterPlan>> = {
  [`${TYPE}fault.v3.HTTPFault`]: (config) => ({ kind: 'fault', config: readFault(config) }),
  [`${TYPE}cors.v3.Cors`]: () => ({ kind: 'cors' }),
  [`${TYPE}router.v3.Router`]: () => ({ kind: 'router' }),
  [`${TYPE}rbac.v3.RBAC`]: (config) => ({ kind: 'rbac', config: readRbac(config) }),
  [`${TYPE}ext_authz.v3.ExtAuthz`]: (config) => ({ kind: 'ext_authz', config: readExtAuthz(config) }),
  [`${TYPE}local_ratelimit.v3.LocalRateLimit`]: (config) => ({
    kind: 'local_ratelimit',
    config: readLocalRateLimit(config),
  }),
  [`${TYPE}ratelimit.v3.RateLimit`]: (config) => ({ kind: 'ratelimit', config: readRateLimit(config) }),
  [`${TYPE}jwt_authn.v3.JwtAuthentication`]: (config) => ({ kind: 'jwt_authn', config: readJwtAuthn(config) }),
};

/** Filters whose work is done elsewhere: ALPN in the pool, the exchange of metadata and the metrics in the connection manager. */
const BUILT_IN: ReadonlySet<string> = new Set([
  'istio.alpn',
  'istio.stats',
  'istio.metadata_exchange',
  'envoy.filters.http.peer_metadata',
  'envoy.filters.http.grpc_stats',
]);

/** Reads the filters of a connection manager in their order; the router must be the last. */
export function readHttpFilters(filters: readonly HttpFilterJson[]): HttpFilterPlan[] {
  const plans = filters.flatMap((filter, i) => within(`http_filters[${i}]`, () => readFilter(filter)));
  if (plans.at(-1)?.kind !== 'router') {
    throw new ConfigProblem('http_filters', 'the last filter must be envoy.filters.http.router');
  }
  return plans;
}

function readFilter(filter: HttpFilterJson): HttpFilterPlan[] {
  if (filter.disabled === true || BUILT_IN.has(filter.name)) return [];
  const { typed_config: config, name } = filter;
  const module = config && readModuleFilter(name, config);
  if (module !== undefined) return [{ kind: 'module', config: module }];
  const read = READERS[config?.['@type'] ?? ''];
  if (read !== undefined && config !== undefined) return [within(name, () => read(config))];
  if (filter.is_optional === true) return [];
  throw unknownExtension('name', name, config);
}

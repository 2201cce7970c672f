import type { Any, HttpConnectionManager } from '#xds';
import type { FilterParts } from '../http/filters/filter-parts.ts';
import { SELF_CONTAINED } from '../http/filters/self-contained.ts';
import { type ExtAuthzConfig, readExtAuthz } from './ext-authz-config.ts';
import { type FaultPolicy, readFault } from './fault-policy.ts';
import { checkFilter } from './filter-bounds.ts';
import { type JwtFilterConfig, readJwtAuthn } from './jwt-config.ts';
import { type LocalRateLimitConfig, readLocalRateLimit } from './local-rate-limit-config.ts';
import { MISSING_CONFIG, missingFilter } from './missing-filter.ts';
import { type ModuleFilterConfig, readModuleFilter } from './module-filter.ts';
import { ConfigProblem, unknownExtension, within } from './problem.ts';
import { type RateLimitConfig, readRateLimit } from './rate-limit-config.ts';
import { type RbacFilterConfig, readRbac } from './rbac/rbac.ts';
import { checkFilterOrder } from './terminal-filter.ts';

type HttpFilterJson = NonNullable<HttpConnectionManager['http_filters']>[number] & {
  readonly disabled?: boolean;
  readonly is_optional?: boolean;
};

/** An HTTP filter with its configuration, ready to become a layer. */
export type HttpFilterPlan = FilterConfigPlan & {
  readonly name: string;
  /** It takes part only in requests whose route switches it on. */
  readonly off: boolean;
};

type FilterConfigPlan =
  | { readonly kind: 'cors' | 'router' }
  | { readonly kind: 'parts'; readonly parts: FilterParts }
  | { readonly kind: 'fault'; readonly config: FaultPolicy | undefined }
  | { readonly kind: 'module'; readonly config: ModuleFilterConfig }
  | { readonly kind: 'rbac'; readonly config: RbacFilterConfig }
  | { readonly kind: 'jwt_authn'; readonly config: JwtFilterConfig }
  | { readonly kind: 'ext_authz'; readonly config: ExtAuthzConfig }
  | { readonly kind: 'local_ratelimit'; readonly config: LocalRateLimitConfig }
  | { readonly kind: 'ratelimit'; readonly config: RateLimitConfig };

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';

/** By the type of their configuration: a filter's name is free. */
const READERS: Readonly<Record<string, (config: Any) => FilterConfigPlan>> = {
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

/** Types of the configurations of all filters that are here. */
export const HTTP_FILTER_TYPES: readonly string[] = [...Object.keys(READERS), ...Object.keys(SELF_CONTAINED)];

/** Filters whose work is done elsewhere: ALPN in the pool, the exchange of metadata and the metrics in the connection manager. */
const BUILT_IN: ReadonlySet<string> = new Set([
  'istio.alpn',
  'istio.stats',
  'istio.metadata_exchange',
  'envoy.filters.http.peer_metadata',
]);

/** Reads the filters of a connection manager in their order; the router must be the last. */
export function readHttpFilters(filters: readonly HttpFilterJson[]): HttpFilterPlan[] {
  const plans = filters.flatMap((filter, i) => within(`http_filters[${i}]`, () => readFilter(filter)));
  if (plans.length === 0) throw new ConfigProblem('http_filters', 'the last filter must be envoy.filters.http.router');
  const named = filters.filter(({ name }) => plans.some((plan) => plan.name === name));
  checkFilterOrder(named, { field: 'http_filters', chain: 'http', ends: (type) => type === `${TYPE}router.v3.Router` });
  return plans;
}

function readFilter(filter: HttpFilterJson): HttpFilterPlan[] {
  const { typed_config: config, name } = filter;
  if (BUILT_IN.has(name)) return [];
  const off = filter.disabled === true;
  const module = config && readModuleFilter(name, config);
  if (module !== undefined) return [{ kind: 'module', config: module, name, off }];
  const type = config?.['@type'] ?? '';
  if (type === MISSING_CONFIG) return [{ kind: 'parts', parts: missingFilter(name), name, off }];
  if (config !== undefined) within(name, () => checkFilter(config));
  const read = READERS[type];
  if (read !== undefined && config !== undefined) return [{ ...within(name, () => read(config)), name, off }];
  const make = SELF_CONTAINED[type];
  if (make !== undefined && config !== undefined) {
    return [{ kind: 'parts', parts: within(name, () => make(name, config)), name, off }];
  }
  // What is not known is left out where it does nothing, or may do nothing.
  if (filter.is_optional === true || off) return [];
  const problem = unknownExtension('name', name, config);
  const why = NOT_HERE.find(([kind]) => kind.test(type))?.[1];
  throw why === undefined ? problem : new ConfigProblem('name', `${problem.message.replace(/^name: /, '')}: ${why}`);
}

/** Filters that Envoy has and that are not here, with the reason that is told. */
const NOT_HERE: readonly (readonly [RegExp, string])[] = [
  [/\.lua\./, 'this proxy runs no Lua code'],
  [/\.wasm\./, 'this proxy runs no Wasm modules'],
  [/\.dynamic_modules\.|\.golang\./, 'this proxy loads no code'],
  [/\.oauth2\./, 'this proxy signs nobody in; RequestAuthentication checks the tokens of others'],
  [/\.ext_proc\./, 'this proxy hands no messages to other programs; ext_authz asks one for permission'],
  [/\.cache\./, 'this proxy keeps no answers'],
  [/\.grpc_json_transcoder\.|\.grpc_http1_/, 'this proxy turns no gRPC into HTTP of another kind; grpc_web is served'],
];

import type { Any } from '#xds';
import { readCsrf } from '../http/filters/csrf.ts';
import { readHeaderToMetadata } from '../http/filters/header-to-metadata.ts';
import { aboveZero, checkRules, filled, onlyTrue, type Rule, required, rule } from './bounds.ts';
import { compileCors } from './cors-policy.ts';
import { readCheckSettings } from './ext-authz-config.ts';
import { readFault } from './fault-policy.ts';
import { checkFilter } from './filter-bounds.ts';
import { readBandwidthLimitOfRoute } from './filters/bandwidth-limit.ts';
import { readLibrary } from './filters/compressor.ts';
import { readCustomResponse } from './filters/custom-response.ts';
import { readHeaderMutation } from './filters/header-mutation.ts';
import { readSetFilterState } from './filters/set-filter-state.ts';
import { readSessionOfRoute } from './filters/stateful-session.ts';
import { readLocalRateLimit } from './local-rate-limit-config.ts';
import { ConfigProblem, unknownExtension, within } from './problem.ts';
import { readRateLimitOfRoute } from './rate-limit-config.ts';
import { readRbac } from './rbac/rbac.ts';
import { record } from './values.ts';

const FILTERS = 'envoy.extensions.filters.http.';

/** Rules that a route brings for RBAC; without any, nothing is checked there. */
export const readRbacOfRoute = (given: Any): ReturnType<typeof readRbac> =>
  readRbac((given['rbac'] as Any | undefined) ?? { '@type': given['@type'] });

const EMPTY = 'value length must be at least 1 characters';
type Reader = (given: Any) => unknown;

const share = rule('filter_enabled/default_value', required);

/** Rules of Envoy's API, and how the filter reads it when a request first takes the route. */
const KINDS: Readonly<Record<string, { readonly rules?: readonly Rule[]; readonly read?: Reader }>> = {
  'bandwidth_limit.v3.BandwidthLimit': { read: readBandwidthLimitOfRoute },
  'compressor.v3.CompressorPerRoute': {
    rules: [rule('disabled', onlyTrue), rule('overrides/compressor_library/typed_config', required)],
    read: checkCompressor,
  },
  'cors.v3.CorsPolicy': { rules: [share], read: (given) => compileCors([given]) },
  'csrf.v3.CsrfPolicy': { rules: [share], read: readCsrf },
  'custom_response.v3.CustomResponse': { read: readCustomResponse },
  'ext_authz.v3.ExtAuthzPerRoute': {
    rules: [
      rule('check_settings/with_request_body/max_request_bytes', required),
      rule('check_settings/with_request_body/max_request_bytes', aboveZero),
    ],
    read: (given) => readCheckSettings(given, { body: undefined, contextExtensions: {}, authorizer: undefined }),
  },
  'fault.v3.HTTPFault': { read: readFault },
  'header_mutation.v3.HeaderMutationPerRoute': { read: readHeaderMutation },
  'header_to_metadata.v3.Config': { read: readRulesOfRoute },
  'jwt_authn.v3.PerRouteConfig': { rules: [rule('requirement_name', (name) => (name === '' ? EMPTY : undefined))] },
  'local_ratelimit.v3.LocalRateLimit': {
    rules: [rule('token_bucket', required)],
    read: readLocalRateLimit,
  },
  'ratelimit.v3.RateLimitPerRoute': { read: readRateLimitOfRoute },
  'rbac.v3.RBACPerRoute': { read: readRbacOfRoute },
  'set_filter_state.v3.Config': { read: readSetFilterState },
  'set_metadata.v3.Config': { rules: [rule('metadata/metadata_namespace', filled)] },
  'stateful_session.v3.StatefulSessionPerRoute': { rules: [rule('disabled', onlyTrue)], read: readSessionOfRoute },
};

/** Configurations of listeners, and what routes say to the same filters in their place. */
const OF_LISTENERS: Readonly<Record<string, string>> = {
  'buffer.v3.Buffer': 'BufferPerRoute',
  'compressor.v3.Compressor': 'CompressorPerRoute',
  'cors.v3.Cors': 'CorsPolicy',
  'ext_authz.v3.ExtAuthz': 'ExtAuthzPerRoute',
  'header_mutation.v3.HeaderMutation': 'HeaderMutationPerRoute',
  'jwt_authn.v3.JwtAuthentication': 'PerRouteConfig',
  'ratelimit.v3.RateLimit': 'RateLimitPerRoute',
  'rbac.v3.RBAC': 'RBACPerRoute',
  'stateful_session.v3.StatefulSession': 'StatefulSessionPerRoute',
};

/** Filters to which routes have nothing to say. */
const NOT_FOR_ROUTES: ReadonlySet<string> = new Set([
  'adaptive_concurrency.v3.AdaptiveConcurrency',
  'admission_control.v3.AdmissionControl',
  'cdn_loop.v3.CdnLoopConfig',
  'decompressor.v3.Decompressor',
  'grpc_web.v3.GrpcWeb',
  'health_check.v3.HealthCheck',
  'ip_tagging.v3.IPTagging',
  'router.v3.Router',
]);

/** Refuses with the table what could not be read when a request comes. Throws nothing but ConfigProblem. */
export function checkPerRoute(name: string, given: Any): void {
  const type = given['@type'].slice(given['@type'].lastIndexOf('/') + 1);
  if (/^(envoy\.(config|type)|google)\./.test(type)) throw unknownExtension(name, name, given);
  const kind = type.slice(FILTERS.length);
  if (!type.startsWith(FILTERS)) return;
  if (NOT_FOR_ROUTES.has(kind)) {
    throw new ConfigProblem(name, `The filter ${name} doesn't support virtual host or route specific configurations`);
  }
  const forRoutes = OF_LISTENERS[kind];
  if (forRoutes !== undefined) {
    // As in Envoy, one without any field is read as one that is for routes.
    if (Object.keys(given).length > 1) throw new ConfigProblem(name, `Unable to unpack as ${forRoutes}: ${type}`);
    checkPerRoute(name, { '@type': `${given['@type'].slice(0, given['@type'].lastIndexOf('.'))}.${forRoutes}` });
    return;
  }
  within(name, () => checkFilter(given));
  const { read, rules = [] } = KINDS[kind] ?? {};
  within(name, () => checkRules(given, rules));
  try {
    within(name, () => read?.(given));
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) throw thrown;
    throw new ConfigProblem(name, `${type} cannot be read: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
}

function checkCompressor(given: Any): void {
  const library = record(record(given['overrides'])?.['compressor_library']);
  if (library !== undefined) readLibrary(library, 'overrides.compressor_library');
}

/** A route that says nothing of headers says nothing at all. */
function readRulesOfRoute(given: Any): void {
  const { request, response } = readHeaderToMetadata(given);
  if (request.length + response.length > 0) return;
  throw new ConfigProblem('request_rules', 'Per filter configs must at least specify either request or response rules');
}

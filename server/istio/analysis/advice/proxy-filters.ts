import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';

const HTTP = 'envoy.extensions.filters.http.';
const NETWORK = 'envoy.extensions.filters.network.';
const LISTENER = 'envoy.extensions.filters.listener.';

/** Configurations of the filters that the lab's own proxies have. A test compares them with what the proxies read. */
export const PROXY_FILTERS: ReadonlySet<string> = new Set([
  `${HTTP}adaptive_concurrency.v3.AdaptiveConcurrency`,
  `${HTTP}admission_control.v3.AdmissionControl`,
  `${HTTP}bandwidth_limit.v3.BandwidthLimit`,
  `${HTTP}buffer.v3.Buffer`,
  `${HTTP}compressor.v3.Compressor`,
  `${HTTP}cdn_loop.v3.CdnLoopConfig`,
  `${HTTP}cors.v3.Cors`,
  `${HTTP}csrf.v3.CsrfPolicy`,
  `${HTTP}custom_response.v3.CustomResponse`,
  `${HTTP}decompressor.v3.Decompressor`,
  `${HTTP}ip_tagging.v3.IPTagging`,
  `${HTTP}ext_authz.v3.ExtAuthz`,
  `${HTTP}fault.v3.HTTPFault`,
  `${HTTP}grpc_stats.v3.FilterConfig`,
  `${HTTP}grpc_web.v3.GrpcWeb`,
  `${HTTP}header_mutation.v3.HeaderMutation`,
  `${HTTP}header_to_metadata.v3.Config`,
  `${HTTP}health_check.v3.HealthCheck`,
  `${HTTP}jwt_authn.v3.JwtAuthentication`,
  `${HTTP}local_ratelimit.v3.LocalRateLimit`,
  `${HTTP}on_demand.v3.OnDemand`,
  `${HTTP}ratelimit.v3.RateLimit`,
  `${HTTP}rbac.v3.RBAC`,
  `${HTTP}router.v3.Router`,
  `${HTTP}set_filter_state.v3.Config`,
  `${HTTP}set_metadata.v3.Config`,
  `${HTTP}stateful_session.v3.StatefulSession`,
  `${NETWORK}connection_limit.v3.ConnectionLimit`,
  `${NETWORK}direct_response.v3.Config`,
  `${NETWORK}echo.v3.Echo`,
  `${NETWORK}ext_authz.v3.ExtAuthz`,
  `${NETWORK}http_connection_manager.v3.HttpConnectionManager`,
  `${NETWORK}local_ratelimit.v3.LocalRateLimit`,
  `${NETWORK}rbac.v3.RBAC`,
  `${NETWORK}sni_cluster.v3.SniCluster`,
  `${NETWORK}tcp_proxy.v3.TcpProxy`,
]);

const ADDS = new Set(['ADD', 'INSERT_BEFORE', 'INSERT_AFTER', 'INSERT_FIRST', 'REPLACE']);
const FILTERS = new Set(['HTTP_FILTER', 'NETWORK_FILTER']);
const STRUCT = /^(?:xds|udpa)\.type\.v[13]\.TypedStruct$/;

const nameOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);

/** The type of a filter's configuration, also where it is told beside a Struct; empty: it is not told here. */
function typeOf(filter: Field): { readonly field: Field; readonly type: string } {
  const config = filter.get('typed_config');
  const field = config.get('@type');
  const type = nameOf(field.text);
  if (!STRUCT.test(type)) return { field, type };
  const inner = config.get('type_url');
  return { field: inner, type: nameOf(inner.text) };
}

function check(object: KubeObject, report: Report): void {
  for (const patch of specOf(object).get('configPatches').items) {
    const applyTo = patch.get('applyTo').text;
    if (!FILTERS.has(applyTo) || !ADDS.has(patch.at('patch.operation').text)) continue;
    const filter = patch.at('patch.value');
    // Proxies leave such a filter out where they do not have it.
    if (filter.get('is_optional').value === true) continue;
    const { field, type } = typeOf(filter);
    if (!type.startsWith('envoy.extensions.filters.') || type.startsWith(LISTENER) || PROXY_FILTERS.has(type)) continue;
    const hint =
      applyTo === 'HTTP_FILTER'
        ? 'Remove the patch, or write is_optional: true beside the name of the filter: proxies then leave it out.'
        : 'Remove the patch.';
    report('MW0511', { object, path: field.path }, { filter: filter.get('name').text || type }, { hint });
  }
}

/** MW0511: an EnvoyFilter that brings a filter which the lab's own proxies do not have. */
export const proxyFilters: Analyzer = {
  name: 'meshwork.ProxyFilters',
  codes: ['MW0511'],
  analyze(mesh, report) {
    for (const object of mesh.istio('EnvoyFilter')) check(object, report);
  },
};

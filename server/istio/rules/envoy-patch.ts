import type { Field } from './field.ts';
import { Findings } from './findings.ts';
import { regexProblem } from './values.ts';

const LISTENER_CLASS = new Set(['LISTENER', 'FILTER_CHAIN', 'NETWORK_FILTER', 'HTTP_FILTER']);
const ROUTE_CLASS = new Set(['ROUTE_CONFIGURATION', 'VIRTUAL_HOST', 'HTTP_ROUTE']);
const MANAGER = 'envoy.filters.network.http_connection_manager';
const MAX_VERSION = 1024;

/** Names that filters had once. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  'envoy.buffer': 'envoy.filters.http.buffer',
  'envoy.cors': 'envoy.filters.http.cors',
  'envoy.csrf': 'envoy.filters.http.csrf',
  'envoy.http_dynamo_filter': 'envoy.filters.http.dynamo',
  'envoy.ext_authz': 'envoy.filters.http.ext_authz',
  'envoy.fault': 'envoy.filters.http.fault',
  'envoy.grpc_http1_bridge': 'envoy.filters.http.grpc_http1_bridge',
  'envoy.grpc_json_transcoder': 'envoy.filters.http.grpc_json_transcoder',
  'envoy.grpc_web': 'envoy.filters.http.grpc_web',
  'envoy.gzip': 'envoy.filters.http.gzip',
  'envoy.health_check': 'envoy.filters.http.health_check',
  'envoy.ip_tagging': 'envoy.filters.http.ip_tagging',
  'envoy.lua': 'envoy.filters.http.lua',
  'envoy.rate_limit': 'envoy.filters.http.ratelimit',
  'envoy.router': 'envoy.filters.http.router',
  'envoy.squash': 'envoy.filters.http.squash',
  'envoy.listener.http_inspector': 'envoy.filters.listener.http_inspector',
  'envoy.listener.original_dst': 'envoy.filters.listener.original_dst',
  'envoy.listener.original_src': 'envoy.filters.listener.original_src',
  'envoy.listener.proxy_protocol': 'envoy.filters.listener.proxy_protocol',
  'envoy.listener.tls_inspector': 'envoy.filters.listener.tls_inspector',
  'envoy.client_ssl_auth': 'envoy.filters.network.client_ssl_auth',
  'envoy.http_connection_manager': MANAGER,
  'envoy.mongo_proxy': 'envoy.filters.network.mongo_proxy',
  'envoy.ratelimit': 'envoy.filters.network.ratelimit',
  'envoy.redis_proxy': 'envoy.filters.network.redis_proxy',
  'envoy.tcp_proxy': 'envoy.filters.network.tcp_proxy',
};

function warnOfOldName(name: Field, findings: Findings): void {
  const current = OLD_NAMES[name.text];
  if (current === undefined) return;
  findings.warn(name, `using deprecated filter name "${name.text}"; use "${current}" instead`, `Write ${current}.`);
}

/** What the patch lacks to be one; undefined when it is complete. */
function missing(patch: Field): readonly [Field, string] | undefined {
  const body = patch.get('patch');
  const operation = body.get('operation').text;
  if (['', 'INVALID'].includes(patch.get('applyTo').text)) return [patch.get('applyTo'), 'missing applyTo'];
  if (!body.exists) return [body, 'missing patch'];
  if (['', 'INVALID'].includes(operation)) return [body.get('operation'), 'missing patch operation'];
  if (operation !== 'REMOVE' && !body.get('value').exists) {
    return [body.get('value'), 'missing patch value for non-remove operation'];
  }
  return undefined;
}

function versionIsRight(version: Field, findings: Findings): boolean {
  if (version.text.length > MAX_VERSION) {
    const message = `Envoy filter: proxyVersion match exceeds ${MAX_VERSION} characters and will be ignored`;
    findings.warn(version, message);
    return true;
  }
  const wrong = regexProblem(version.text);
  if (wrong) findings.reject(version, `Envoy filter: invalid regex for proxy version, [${wrong}]`);
  return wrong === undefined;
}

const isSet = (match: Field): boolean =>
  ['listener', 'routeConfiguration', 'cluster', 'waypoint'].some((name) => match.get(name).exists);

function checkListenerMatch(patch: Field, findings: Findings): void {
  const match = patch.get('match');
  const applyTo = patch.get('applyTo').text;
  const reject = (field: Field, message: string): void => findings.reject(field, `Envoy filter: ${message}`);
  if (!match.get('listener').exists) {
    reject(match, 'applyTo for listener class objects cannot have non listener match');
    return;
  }
  const filter = match.at('listener.filterChain.filter');
  if (!filter.exists) return;
  const sub = filter.get('subFilter');
  const name = filter.get('name');
  if (applyTo === 'LISTENER' || applyTo === 'FILTER_CHAIN') {
    findings.warn(filter, `Envoy filter: filter match has no effect when used with ${applyTo}`);
  }
  if (name.text === '') reject(filter, 'filter match has no name to match on');
  else if (sub.exists && applyTo !== 'HTTP_FILTER') {
    reject(sub, 'subfilter match can be used with applyTo HTTP_FILTER only');
  } else if (sub.exists && name.text !== MANAGER && name.text !== 'envoy.http_connection_manager') {
    reject(sub, `subfilter match requires filter match with ${MANAGER}`);
  } else if (sub.exists && sub.get('name').text === '') reject(sub, 'subfilter match has no name to match on');
  else {
    warnOfOldName(name, findings);
    warnOfOldName(sub.get('name'), findings);
  }
}

/** Whether match and applyTo speak of the same part of Envoy's configuration. */
function checkMatch(patch: Field, findings: Findings): void {
  const match = patch.get('match');
  const applyTo = patch.get('applyTo').text;
  if (!isSet(match)) return;
  if (LISTENER_CLASS.has(applyTo)) checkListenerMatch(patch, findings);
  else if (ROUTE_CLASS.has(applyTo) && !match.get('routeConfiguration').exists) {
    const message = 'Envoy filter: applyTo for http route class objects cannot have non route configuration match';
    findings.reject(match, message);
  } else if (applyTo === 'CLUSTER' && !match.get('cluster').exists) {
    findings.reject(match, 'Envoy filter: applyTo for cluster class objects cannot have non cluster match');
  }
}

/** Whether Istio reads the patch's value: nothing is missing, it is not for waypoints, and what it has said before did not end the matter. */
export function isValueRead(patch: Field): boolean {
  if (patch.at('match.context').text === 'WAYPOINT' || missing(patch) !== undefined) return false;
  const findings = new Findings();
  const right = versionIsRight(patch.at('match.proxy.proxyVersion'), findings);
  if (right && LISTENER_CLASS.has(patch.get('applyTo').text)) checkMatch(patch, findings);
  return !findings.refused;
}

/** One of an EnvoyFilter's configPatches. What the value holds is checked where Envoy's messages are known. */
export function checkPatch(patch: Field, findings: Findings): void {
  if (!patch.exists) {
    findings.reject(patch, 'Envoy filter: null config patch');
    return;
  }
  // Istio does not look at patches for waypoints.
  if (patch.at('match.context').text === 'WAYPOINT') return;
  const lacking = missing(patch);
  if (lacking) {
    findings.reject(lacking[0], `Envoy filter: ${lacking[1]}`);
    return;
  }
  if (versionIsRight(patch.at('match.proxy.proxyVersion'), findings)) checkMatch(patch, findings);
}

import { parseClusterName } from '#domain';
import { mergeMessages, type Route, type RouteConfiguration, type VirtualHost } from '#xds';
import type { PatchContext, RouteConfigurationMatch } from '../../snapshot/envoy-filters.ts';
import { patchList } from './filter-list.ts';
import { isMerge, type Patch, type PatchSet, patchesTo, replaces } from './patches.ts';
import { wholeHost, wholeTable } from './whole-messages.ts';

export interface RoutePatchContext {
  readonly context: PatchContext;
  /** At gateways: the ports that services give each port of the pod. */
  readonly servicePorts: ReadonlyMap<number, ReadonlySet<number>>;
}

/** Applies all patches to a route table. Source: pilot/pkg/networking/core/envoyfilter/rc_patch.go. */
export function patchRouteConfiguration(
  given: RouteConfiguration,
  patches: PatchSet,
  context: RoutePatchContext,
): RouteConfiguration {
  const applying = (applyTo: 'ROUTE_CONFIGURATION' | 'VIRTUAL_HOST' | 'HTTP_ROUTE'): Patch[] =>
    patchesTo(patches, applyTo, context.context).filter(({ match }) =>
      tableMatches(given, match.routeConfiguration, context),
    );
  let table = given;
  for (const patch of applying('ROUTE_CONFIGURATION').filter(isMerge)) {
    table = wholeTable(mergeMessages('envoy.config.route.v3.RouteConfiguration', table, patch.value, replaces(patch)));
  }
  const onHosts = applying('VIRTUAL_HOST');
  const onRoutes = applying('HTTP_ROUTE');
  if (onHosts.length === 0 && onRoutes.length === 0) return table;
  const hosts = (table.virtual_hosts ?? []).flatMap((host) => {
    const patched = patchHost(host, onHosts);
    return patched === undefined ? [] : [patchRoutes(patched, onRoutes)];
  });
  const added = onHosts.filter(({ operation }) => operation === 'ADD').map(({ value }) => wholeHost(value));
  return { ...table, virtual_hosts: [...hosts, ...added] };
}

function tableMatches(
  { name }: RouteConfiguration,
  match: RouteConfigurationMatch | undefined,
  { context, servicePorts }: RoutePatchContext,
): boolean {
  if (match === undefined) return true;
  if (match.name && match.name !== name) return false;
  if (context !== 'GATEWAY') return !match.portNumber || match.portNumber === portOfTable(name);
  const { port, portName, gateway } = gatewayTable(name);
  if (match.portName && match.portName !== portName) return false;
  if (match.gateway && match.gateway !== gateway) return false;
  if (!match.portNumber) return true;
  return servicePorts.get(port)?.has(match.portNumber) ?? port === match.portNumber;
}

/** `9080`, or `inbound|9080||` of a sidecar's own side. */
const portOfTable = (name: string): number =>
  name.startsWith('inbound') ? (parseClusterName(name)?.port ?? 0) : Number.parseInt(name, 10) || 0;

/** `http.8080`, or `https.443.https.gateway.namespace`. */
function gatewayTable(name: string): { port: number; portName: string; gateway: string } {
  const parts = name.split('.');
  const port = Number(parts[1] ?? 0) || 0;
  if (name.startsWith('https.') && parts.length >= 5) {
    return { port, portName: parts[2] ?? '', gateway: `${parts[4]}/${parts[3]}` };
  }
  return { port, portName: '', gateway: '' };
}

function hostMatches(host: VirtualHost, { match }: Patch): boolean {
  const wanted = match.routeConfiguration?.vhost;
  if (wanted === undefined) return true;
  return (
    (!wanted.name || wanted.name === host.name) && (!wanted.domainName || host.domains.includes(wanted.domainName))
  );
}

function patchHost(given: VirtualHost, patches: readonly Patch[]): VirtualHost | undefined {
  let host = given;
  for (const patch of patches) {
    if (!hostMatches(host, patch)) continue;
    if (patch.operation === 'REMOVE') return undefined;
    if (isMerge(patch)) host = mergeMessages('envoy.config.route.v3.VirtualHost', host, patch.value, replaces(patch));
    else if (patch.operation === 'REPLACE') host = wholeHost(patch.value);
  }
  return host;
}

function patchRoutes(host: VirtualHost, all: readonly Patch[]): VirtualHost {
  const patches = all.filter((patch) => hostMatches(host, patch));
  if (patches.length === 0) return host;
  let routes = (host.routes ?? []).flatMap((route) => patchRoute(route, patches) ?? []);
  for (const patch of patches) routes = insertRoute(routes, patch);
  return { ...host, routes };
}

function patchRoute(given: Route, patches: readonly Patch[]): Route | undefined {
  let route = given;
  for (const patch of patches) {
    if (!routeMatches(route, patch)) continue;
    if (patch.operation === 'REMOVE') return undefined;
    if (isMerge(patch)) route = mergeMessages('envoy.config.route.v3.Route', route, patch.value, replaces(patch));
  }
  return route;
}

/** INSERT_FIRST goes to the very front, but only where the route that it names exists. */
function insertRoute(routes: Route[], patch: Patch): Route[] {
  if (!['ADD', 'INSERT_AFTER', 'INSERT_BEFORE', 'INSERT_FIRST'].includes(patch.operation)) return routes;
  const namesItem = patch.match.routeConfiguration?.vhost?.route !== undefined;
  const matches = (route: Route): boolean => routeMatches(route, patch);
  if (patch.operation === 'INSERT_FIRST' && namesItem && !routes.some(matches)) return routes;
  return patchList(routes, { patch, namesItem, matches });
}

function routeMatches(route: Route, { match }: Patch): boolean {
  const wanted = match.routeConfiguration?.vhost?.route;
  if (wanted === undefined) return true;
  if (wanted.name && wanted.name !== route.name) return false;
  switch (wanted.action) {
    case 'ROUTE':
      return route.route !== undefined || !hasAction(route);
    case 'REDIRECT':
      return route.redirect !== undefined || !hasAction(route);
    case 'DIRECT_RESPONSE':
      return route.direct_response !== undefined || !hasAction(route);
    default:
      return true;
  }
}

const hasAction = ({ route, redirect, direct_response }: Route): boolean =>
  route !== undefined || redirect !== undefined || direct_response !== undefined;

import type { Route, RouteConfiguration } from '#xds';
import { formatTabbed } from '../../table.ts';

interface Caused {
  readonly filter_metadata?: Readonly<Record<string, unknown>>;
}

/** The rule behind a part of the configuration, as istioctl names it: `reviews.default`. Source: renderConfig in istioctl. */
export function causeOf(metadata: Caused | undefined): string {
  const istio = metadata?.filter_metadata?.['istio'] as { readonly config?: string } | undefined;
  if (istio?.config === undefined) return '';
  const pieces = istio.config.split('/');
  if (!istio.config.startsWith('/apis/networking.istio.io/')) return '<unknown>';
  return pieces.length === 8 ? `${pieces[7]}.${pieces[5]}` : '';
}

/** `istioctl proxy-config routes`. What every proxy lets pass is not told. */
export function routeTable(tables: readonly RouteConfiguration[]): string {
  const rows = tables.flatMap(({ name, virtual_hosts: hosts = [] }) =>
    hosts.flatMap(({ name: host, domains, routes = [] }) => {
      const shared = [name, host, domainText(domains)];
      if (routes.length === 0) return [[...shared, '/*', '404']];
      return routes
        .filter(({ route }) => route?.cluster !== 'PassthroughCluster')
        .map(({ match, metadata }) => [...shared, routePath(match), causeOf(metadata)]);
    }),
  );
  return formatTabbed(['NAME', 'VHOST NAME', 'DOMAINS', 'MATCH', 'VIRTUAL SERVICE'], rows, 5);
}

/** Tables whose names are numbers come first, in their order. */
export const sortedTables = (tables: readonly RouteConfiguration[]): RouteConfiguration[] => {
  const isNumber = ({ name }: RouteConfiguration): boolean => /^\d+$/.test(name);
  return [
    ...tables.filter(isNumber).toSorted((a, b) => Number(a.name) - Number(b.name)),
    ...tables.filter((table) => !isNumber(table)),
  ];
};

/** Two hosts without a port, and how many more; of a name in several forms the shortest. */
function domainText(domains: readonly string[]): string {
  if (domains.length <= 1) return domains.join();
  const bare = domains.filter(
    (domain) => !domain.includes(':') || (domain.split(':').length > 3 && domain.endsWith(']')),
  );
  const all = new Set(bare);
  const isLong = (domain: string, suffix: string): boolean =>
    domain.endsWith(suffix) && all.has(domain.slice(0, -suffix.length));
  const shown = bare.filter((domain) => !isLong(domain, '.svc.cluster.local') && !isLong(domain, '.svc'));
  return shown.length > 2 ? `${shown.slice(0, 2).join(', ')} + ${shown.length - 2} more...` : shown.join(', ');
}

/** The path of a match; istioctl tells no headers. */
export function routePath(match: Route['match']): string {
  return [
    ...(match.prefix ? [`${match.prefix}*`] : []),
    ...(match.path_separated_prefix ? [`PathPrefix:${match.path_separated_prefix}`] : []),
    ...(match.path ? [match.path] : []),
    ...(match.safe_regex ? [`regex ${match.safe_regex.regex}`] : []),
  ].join(' ');
}

import type { FilterChain, Listener, RouteConfiguration } from '#xds';
import { formatTable } from '../../table.ts';
import { routePath } from './route-table.ts';

/** Application protocols that have a name of their own. Source: configdump/listener.go in istioctl. */
const PROTOCOLS: readonly (readonly [words: string, protocols: string])[] = [
  ['App: HTTP TLS', 'http/1.0,http/1.1,h2c,istio-http/1.0,istio-http/1.1,istio-h2'],
  ['App: Istio HTTP Plain', 'istio,istio-http/1.0,istio-http/1.1,istio-h2'],
  ['App: TCP TLS', 'istio-peer-exchange,istio'],
  ['App: HTTP', 'http/1.0,http/1.1,h2c'],
];

const BLACK_HOLE = 'BlackHoleCluster';

const chainsOf = ({ filter_chains = [], default_filter_chain: last }: Listener): readonly FilterChain[] =>
  last === undefined ? filter_chains : [...filter_chains, last];

/** `istioctl proxy-config listeners`: by port and address, the chains of each by where they lead. */
export function listenerTable(listeners: readonly Listener[]): string {
  const rows = listeners
    .map((listener) => {
      const { address = '', port_value: port = 0 } = listener.address?.socket_address ?? {};
      const chains = chainsOf(listener)
        .map((chain) => ({ match: chainMatch(chain), leads: destination(chain) }))
        .toSorted((a, b) => compare(b.leads, a.leads));
      return { address, port, chains };
    })
    .toSorted((a, b) => a.port - b.port || compare(a.address, b.address))
    .flatMap(({ address, port, chains }) => chains.map(({ match, leads }) => [address, String(port), match, leads]));
  return formatTable(['ADDRESSES', 'PORT', 'MATCH', 'DESTINATION'], rows, 1);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function chainMatch({ filter_chain_match: match = {} }: FilterChain): string {
  const { server_names: names = [], application_protocols: given = [], prefix_ranges: ranges = [] } = match;
  const parts: string[] = [];
  if (names.length > 0) parts.push(`SNI: ${names.join(',')}`);
  if (match.transport_protocol) parts.push(`Trans: ${match.transport_protocol}`);
  const protocols = given.join(',');
  if (given.length > 0) parts.push(PROTOCOLS.find(([, known]) => known === protocols)?.[0] ?? `App: ${protocols}`);
  const port = match.destination_port === undefined ? '' : `:${match.destination_port}`;
  const addresses = ranges.map(({ address_prefix, prefix_len }) => `${address_prefix}/${prefix_len}`).join(',');
  if (addresses !== '' || port !== '') parts.push(`Addr: ${addresses || '*'}${port}`);
  return parts.length > 0 ? parts.join('; ') : 'ALL';
}

const clusterWords = (name: string): string => (name.includes('Cluster') ? name : `Cluster: ${name}`);

function destination({ filters }: FilterChain): string {
  for (const { name, typed_config: config = {} } of filters) {
    if (name === 'envoy.filters.network.http_connection_manager') return routesOf(config);
    if (name !== 'envoy.filters.network.tcp_proxy') continue;
    const { cluster = '' } = config as { readonly cluster?: string };
    if (!JSON.stringify(config).includes(BLACK_HOLE)) return clusterWords(cluster);
  }
  return 'Non-HTTP/Non-TCP';
}

function routesOf(config: object): string {
  const { route_config: inline, rds } = config as {
    readonly route_config?: RouteConfiguration;
    readonly rds?: { readonly route_config_name?: string };
  };
  if (inline === undefined) return rds?.route_config_name ? `Route: ${rds.route_config_name}` : 'HTTP';
  const { virtual_hosts: hosts = [] } = inline;
  const [host] = hosts;
  const [route] = host?.routes ?? [];
  const takesAll =
    hosts.length === 1 && host?.routes?.length === 1 && host.domains.join() === '*' && route?.match.prefix === '/';
  if (takesAll && route?.route?.cluster) return clusterWords(route.route.cluster);
  const words = hosts.map(({ domains, routes = [] }) =>
    [domains.join() === '*' ? '' : domains.join('/'), routes.map(({ match }) => routePath(match)).join(', ')]
      .filter(Boolean)
      .join(' '),
  );
  return `Inline Route: ${words.join('; ')}`;
}

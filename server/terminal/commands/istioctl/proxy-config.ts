import { parseClusterName } from '#domain';
import { type Flags, onOff, readFlags, value, verbDialect } from '#shell';
import type { Cluster, FilterChain, Listener, OriginMetadata, Route, RouteConfiguration } from '#xds';
import { type ShellContext, UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { toYaml } from '../kubectl/output.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { LOG_WORDS, loggers } from './loggers.ts';
import { completeProxies, findProxy } from './proxies.ts';

type Proxied = ReturnType<typeof findProxy>;

interface Listing {
  readonly names: readonly string[];
  print(target: Proxied, flags: Flags): string;
}

const listings: readonly Listing[] = [
  { names: ['listeners', 'listener', 'l'], print: listeners },
  { names: ['routes', 'route', 'r'], print: routes },
  { names: ['clusters', 'cluster', 'c'], print: clusters },
  { names: ['endpoints', 'endpoint', 'ep'], print: endpoints },
  { names: ['secret', 'secrets', 's'], print: secrets },
  {
    names: ['all', 'a'],
    print: (target, flags) =>
      flags.text('output') === 'short'
        ? [clusters, listeners, routes].map((print) => print(target, SHORT)).join('\n')
        : dump(target.proxy.admin.configDump(), flags.text('output') ?? 'json'),
  },
  {
    names: ['bootstrap', 'b'],
    print: (target, flags) => dump(partOf(target, 'BootstrapConfigDump'), flags.text('output') ?? 'json'),
  },
  { names: ['ecds', 'ec'], print: extensions },
];

/** No flags: what `-o short` prints of each type. */
const SHORT = readFlags([], {}, verbDialect('istioctl proxy-config'));

/** A part of the dump by the end of its type's name. */
function partOf({ proxy }: Proxied, type: string): Record<string, unknown> {
  const { configs = [] } = proxy.admin.configDump() as { configs?: readonly Record<string, unknown>[] };
  const found = configs.find((each) => String(each['@type']).endsWith(`.${type}`));
  if (!found) throw new UsageError(`Error: the proxy tells no ${type}`);
  const { '@type': _, ...rest } = found;
  return rest;
}

/** Filters whose configuration came by name. */
function extensions({ proxy }: Proxied, flags: Flags): string {
  const { configs = [] } = proxy.admin.configDump() as { configs?: readonly Record<string, unknown>[] };
  const dumped = configs.find((each) => String(each['@type']).endsWith('.EcdsConfigDump'));
  const filters = (dumped?.['ecds_filters'] ?? []) as readonly { ecds_filter?: { name?: string } }[];
  return filters.length === 0 ? '' : dump(filters, flags.text('output') ?? 'json');
}

export const proxyConfig: Verb = {
  name: 'proxy-config',
  aliases: ['pc'],
  manual: `istioctl proxy-config <listeners|routes|clusters|endpoints|secret|bootstrap|ecds|all|log> <pod[.namespace] | deploy/name> [-n namespace]
    [--port n] [--name x] [--fqdn host] [--subset x] [--direction inbound|outbound] [--cluster x] [-o json|yaml|short]
istioctl proxy-config log <pod> [--level debug | --level http:debug,rbac:debug | --reset]   The loggers of a proxy.
What a proxy really holds, read from the proxy itself.`,
  flags: {
    output: value('o'),
    port: value(),
    name: value(),
    fqdn: value(),
    subset: value(),
    direction: value(),
    cluster: value(),
    level: value(),
    reset: onOff('r'),
  },
  run: async (flags, io, context) => {
    const [what = '', word, more] = flags.words;
    if (LOG_WORDS.has(what)) return loggers(word, flags, io, context);
    const listing = listings.find((each) => each.names.includes(what));
    if (!listing) {
      const known = [...listings.map((each) => each.names[0]), 'log'].join(', ');
      throw new UsageError(`Error: unknown command "${what}" for "istioctl proxy-config". Known: ${known}`);
    }
    if (word === undefined || more !== undefined)
      throw new UsageError(`Error: ${what} requires pod name or deploy/name`);
    io.out(listing.print(findProxy(context, namespaceOf(flags, context), word), flags));
    return 0;
  },
  complete: ({ words, namespace }, context: ShellContext) =>
    words.length <= 1
      ? [...listings.map((each) => each.names[0] ?? ''), 'log']
      : words.length === 2
        ? completeProxies(namespace, context)
        : [],
};

function dump(value: unknown, format: string): string {
  if (format === 'yaml') return toYaml(value);
  if (format === 'json') return `${JSON.stringify(value, null, 4)}\n`;
  throw new UsageError(`Error: output format "${format}" is not supported; use json or yaml`);
}

const originOf = (metadata: { filter_metadata?: Record<string, unknown> } | undefined, kind: string): string => {
  const origin = metadata?.filter_metadata?.['meshwork'] as OriginMetadata | undefined;
  return origin?.kind === kind ? `${origin.name}.${origin.namespace}` : '';
};

function listeners({ proxy }: Proxied, flags: Flags): string {
  const found = (proxy.admin.listeners() as Listener[]).filter((listener) => {
    const port = listener.address?.socket_address?.port_value;
    return flags.text('port') === undefined || String(port) === flags.text('port');
  });
  if (flags.text('output')) return dump(found, flags.text('output') ?? '');
  const rows = found.flatMap((listener) => {
    const { address = '', port_value = 0 } = listener.address?.socket_address ?? {};
    const chains = [
      ...(listener.filter_chains ?? []),
      ...(listener.default_filter_chain ? [listener.default_filter_chain] : []),
    ];
    return chains.map((chain) => [address, String(port_value), chainMatch(chain), chainDestination(chain)]);
  });
  rows.sort((a, b) => Number(a[1]) - Number(b[1]));
  return formatTable(['ADDRESSES', 'PORT', 'MATCH', 'DESTINATION'], rows, 1);
}

function chainMatch(chain: FilterChain): string {
  const match = chain.filter_chain_match;
  const parts: string[] = [];
  if (match?.transport_protocol) parts.push(`Trans: ${match.transport_protocol}`);
  if (match?.application_protocols?.length) parts.push(`App: ${match.application_protocols.join(',')}`);
  if (match?.server_names?.length) parts.push(`SNI: ${match.server_names.join(',')}`);
  if (match?.destination_port) parts.push(`Port: ${match.destination_port}`);
  for (const range of match?.prefix_ranges ?? []) parts.push(`Addr: ${range.address_prefix}/${range.prefix_len}`);
  return parts.length > 0 ? parts.join('; ') : 'ALL';
}

function chainDestination(chain: FilterChain): string {
  for (const { typed_config: config } of chain.filters) {
    if (config === undefined) continue;
    const routeName = (config['rds'] as { route_config_name?: string } | undefined)?.route_config_name;
    if (routeName) return `Route: ${routeName}`;
    const inline = config['route_config'] as RouteConfiguration | undefined;
    const action = inline?.virtual_hosts?.[0]?.routes?.[0]?.route;
    if (inline) return action?.cluster ? `Cluster: ${action.cluster}` : `Inline Route: ${inline.name}`;
    if (config['cluster']) return `Cluster: ${String(config['cluster'])}`;
  }
  return 'Non-HTTP/Non-TCP';
}

function routes({ proxy }: Proxied, flags: Flags): string {
  const found = (proxy.admin.routes() as RouteConfiguration[]).filter(
    (each) => flags.text('name') === undefined || each.name === flags.text('name'),
  );
  if (flags.text('output')) return dump(found, flags.text('output') ?? '');
  const rows = found.flatMap((config) =>
    (config.virtual_hosts ?? []).flatMap((host) =>
      (host.routes ?? []).map((route) => [
        config.name,
        host.name,
        domainText(host.domains),
        matchText(route),
        originOf(route.metadata, 'VirtualService') ||
          (route.route === undefined && !route.redirect && route.direct_response ? '404' : ''),
      ]),
    ),
  );
  return formatTable(['NAME', 'VHOST NAME', 'DOMAINS', 'MATCH', 'VIRTUAL SERVICE'], rows, 5);
}

/** istioctl shows the shortest host and counts the rest. */
function domainText(domains: readonly string[]): string {
  const hosts = domains.filter((domain) => !/:\d+$/.test(domain));
  const shown = (hosts.length > 0 ? hosts : domains).slice(0, 2);
  const rest = domains.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} + ${rest} more...` : shown.join(', ');
}

function matchText({ match }: Route): string {
  const path =
    match.path ??
    (match.prefix !== undefined
      ? `${match.prefix}*`
      : match.safe_regex
        ? `regex ${match.safe_regex.regex}`
        : `${match.path_separated_prefix}/*`);
  const headers = (match.headers ?? []).map((header) => {
    const value = header.string_match;
    const wanted =
      value?.exact ?? (value?.prefix !== undefined ? `${value.prefix}*` : (value?.safe_regex?.regex ?? 'present'));
    return `${header.invert_match ? 'not ' : ''}${header.name}=${wanted}`;
  });
  return [path, ...headers].join(' ');
}

function clusters({ proxy }: Proxied, flags: Flags): string {
  const found = (proxy.admin.clusters() as Cluster[]).filter(({ name }) => {
    const parts = parseClusterName(name);
    const wanted = {
      host: flags.text('fqdn'),
      port: flags.text('port'),
      subset: flags.text('subset'),
      direction: flags.text('direction'),
    };
    return Object.entries(wanted).every(
      ([key, value]) => value === undefined || String(parts?.[key as keyof typeof parts] ?? '') === value,
    );
  });
  if (flags.text('output')) return dump(found, flags.text('output') ?? '');
  const rows = found.map((cluster) => {
    const parts = parseClusterName(cluster.name);
    return [
      parts?.host || (parts ? '' : cluster.name),
      parts ? String(parts.port) : '-',
      parts?.subset || '-',
      parts?.direction ?? '-',
      cluster.type ?? 'STATIC',
      originOf(cluster.metadata, 'DestinationRule'),
    ];
  });
  rows.sort((a, b) => a.join('|').localeCompare(b.join('|')));
  return formatTable(['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE'], rows, 5);
}

function endpoints({ proxy }: Proxied, flags: Flags): string {
  const found = proxy.admin
    .endpoints()
    .filter(({ cluster }) => flags.text('cluster') === undefined || cluster === flags.text('cluster'))
    .filter(({ address }) => flags.text('port') === undefined || String(address.port) === flags.text('port'));
  if (flags.text('output')) return dump(found, flags.text('output') ?? '');
  const rows = found.map(({ address, healthy, ejected, cluster }) => [
    `${address.ip}:${address.port}`,
    healthy ? 'HEALTHY' : 'UNHEALTHY',
    ejected ? 'FAILED' : 'OK',
    cluster,
  ]);
  return formatTable(['ENDPOINT', 'STATUS', 'OUTLIER CHECK', 'CLUSTER'], rows, 5);
}

const toSeconds = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

function secrets({ proxy }: Proxied, flags: Flags): string {
  const found = proxy.admin.secrets();
  if (flags.text('output')) return dump(found, flags.text('output') ?? '');
  const rows = found.map((secret) => [
    secret.name,
    secret.type,
    secret.state,
    'true',
    secret.serialNumber,
    toSeconds(secret.notAfter),
    toSeconds(secret.notBefore),
  ]);
  return formatTable(
    ['RESOURCE NAME', 'TYPE', 'STATUS', 'VALID CERT', 'SERIAL NUMBER', 'NOT AFTER', 'NOT BEFORE'],
    rows,
    5,
  );
}

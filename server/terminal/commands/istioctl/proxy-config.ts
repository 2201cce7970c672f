import { parseClusterName } from '#domain';
import { type Flags, onOff, readFlags, value, verbDialect } from '#shell';
import type { Cluster, Listener, RouteConfiguration } from '#xds';
import { type ShellContext, UsageError } from '../../command.ts';
import { formatTabbed, formatTable } from '../../table.ts';
import { toYaml } from '../kubectl/output.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { camelNames } from './camel-names.ts';
import { listenerTable } from './listener-table.ts';
import { LOG_WORDS, loggers } from './loggers.ts';
import { completeProxies, findProxy } from './proxies.ts';
import { causeOf, routeTable, sortedTables } from './route-table.ts';

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
    [--port n] [--name x] [--fqdn host] [--subset x] [--direction inbound|outbound] [--cluster x] [--address ip] [--status healthy|unhealthy] [-o json|yaml|short]
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
    address: value(),
    status: value(),
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
    const target = findProxy(context, namespaceOf(flags, context), word);
    await target.proxy.admin.refresh?.();
    io.out(listing.print(target, flags));
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

function listeners({ proxy }: Proxied, flags: Flags): string {
  const found = (proxy.admin.listeners() as Listener[]).filter((listener) => {
    const port = listener.address?.socket_address?.port_value;
    return flags.text('port') === undefined || String(port) === flags.text('port');
  });
  if (flags.text('output')) return dump(camelNames(found), flags.text('output') ?? '');
  return listenerTable(found);
}

function routes({ proxy }: Proxied, flags: Flags): string {
  const found = sortedTables([...(proxy.admin.routes() as RouteConfiguration[]), ...inlineTables(proxy)]).filter(
    (each) => flags.text('name') === undefined || each.name === flags.text('name'),
  );
  if (flags.text('output')) return dump(camelNames(found), flags.text('output') ?? '');
  return routeTable(found);
}

/** Route tables that stand in listeners themselves. */
function inlineTables({ admin }: Proxied['proxy']): RouteConfiguration[] {
  const { configs = [] } = admin.configDump() as { configs?: readonly Record<string, unknown>[] };
  const dumped = configs.find((each) => String(each['@type']).endsWith('.RoutesConfigDump'));
  const held = (dumped?.['static_route_configs'] ?? []) as readonly { readonly route_config: RouteConfiguration }[];
  return held.map(({ route_config }) => route_config);
}

function clusters({ proxy }: Proxied, flags: Flags): string {
  const found = sortedClusters(proxy.admin.clusters() as Cluster[]).filter(({ name }) => {
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
  if (flags.text('output')) return dump(camelNames(found), flags.text('output') ?? '');
  const rows = found.map((cluster) => {
    const parts = parseClusterName(cluster.name);
    return [
      parts?.host || (parts ? '' : cluster.name),
      parts ? String(parts.port) : '-',
      parts?.subset || '-',
      parts?.direction ?? '-',
      cluster.type ?? 'STATIC',
      causeOf(cluster.metadata),
    ];
  });
  return formatTabbed(['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE'], rows, 5);
}

/** By host, subset, port and direction. Source: retrieveSortedClusterSlice in istioctl. */
function sortedClusters(clusters: readonly Cluster[]): Cluster[] {
  const keyed = clusters.map((cluster) => {
    const { host = cluster.name, subset = '', port = 0, direction = '' } = parseClusterName(cluster.name) ?? {};
    return { cluster, keys: [host, subset, Number(port), direction] as const };
  });
  return keyed.sort((a, b) => compareKeys(a.keys, b.keys)).map(({ cluster }) => cluster);
}

type Key = string | number;

function compareKeys(a: readonly Key[], b: readonly Key[]): number {
  const at = a.findIndex((key, i) => key !== b[i]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}

function endpoints({ proxy }: Proxied, flags: Flags): string {
  const found = proxy.admin
    .endpoints()
    .filter(({ cluster }) => flags.text('cluster') === undefined || cluster === flags.text('cluster'))
    .filter(({ address }) => flags.text('port') === undefined || String(address.port) === flags.text('port'))
    .filter(({ address }) => flags.text('address') === undefined || address.ip === flags.text('address'))
    .filter(({ healthy }) =>
      [undefined, healthy ? 'healthy' : 'unhealthy'].includes(flags.text('status')?.toLowerCase()),
    )
    .toSorted((a, b) =>
      compareKeys([a.address.ip, a.address.port, a.cluster], [b.address.ip, b.address.port, b.cluster]),
    );
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

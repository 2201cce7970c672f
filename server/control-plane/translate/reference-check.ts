import { type Diagnostic, type Origin, parseClusterName } from '#domain';
import type {
  FilterChain,
  HttpConnectionManager,
  Listener,
  Metadata,
  OriginMetadata,
  Route,
  TcpProxy,
  VirtualHost,
} from '#xds';
import { extensionTypes } from '#xds';
import type { ConfigResources } from './resources.ts';

/** Checks one proxy's clusters' users; what was checked before, by identity, is not looked at again. */
export type ReferenceCheck = (resources: Omit<ConfigResources, 'clusters'>) => Diagnostic[];

/**
 * Finds names that lead nowhere: routes and chains to clusters that do not exist, listeners whose route table is missing. Nothing is
 * held back for it: a proxy answers such requests with 503 and flag NC, as the learner is meant to see.
 */
export function createReferenceCheck(present: ConfigResources['clusters']): ReferenceCheck {
  const clusters = new Set(present.map(({ name }) => name));
  const isElsewhere = servedElsewhere([...clusters]);
  const known = new WeakMap<object, readonly Diagnostic[]>();
  const checkHost = (host: VirtualHost): readonly Diagnostic[] => {
    const found =
      known.get(host) ??
      (isElsewhere(host.name) ? [] : (host.routes ?? []).flatMap((route) => checkRoute(route, host.name, clusters)));
    known.set(host, found);
    return found;
  };
  return ({ listeners, routes }) => {
    const tables = new Set(routes.map(({ name }) => name));
    return [
      ...routes.flatMap(({ virtual_hosts = [] }) => virtual_hosts.flatMap(checkHost)),
      ...listeners.flatMap((listener) => checkListener(listener, clusters, tables)),
    ];
  };
}

/**
 * Tells a virtual host `host:80` whose host is a service with other ports only. Istio generates it for every rule, without anyone
 * meaning that port, so what it leads to is no fault of the rule.
 */
function servedElsewhere(clusters: readonly string[]): (virtualHost: string) => boolean {
  const parts = clusters.map(parseClusterName).filter((each) => each?.direction === 'outbound');
  const hosts = new Set(parts.map((each) => each?.host));
  const ports = new Set(parts.map((each) => `${each?.host}:${each?.port}`));
  return (name) => hosts.has(name.slice(0, name.lastIndexOf(':'))) && !ports.has(name);
}

function checkRoute(route: Route, host: string, clusters: ReadonlySet<string>): Diagnostic[] {
  const { cluster, weighted_clusters, request_mirror_policies = [] } = route.route ?? {};
  // Routes of the Gateway API say themselves what is answered in a cluster's place.
  const answer = route.route?.cluster_not_found_response_code === 'INTERNAL_SERVER_ERROR' ? 500 : 503;
  const uses = [
    ...(cluster === undefined ? [] : [{ name: cluster, part: 'cluster' }]),
    ...(weighted_clusters?.clusters ?? []).map(({ name }, i) => ({ name, part: `weighted_clusters.${i}` })),
    // A policy that takes the name from a header has none to check.
    ...request_mirror_policies.flatMap(({ cluster: name }, i) =>
      name === undefined ? [] : [{ name, part: `request_mirror_policies.${i}` }],
    ),
  ];
  return uses
    .filter(({ name }) => !clusters.has(name))
    .map(({ name, part }) =>
      missingCluster(name, {
        where: `Virtual host "${host}", route "${route.name ?? ''}"`,
        answer,
        origin: originOf(route.metadata, part),
      }),
    );
}

interface MissingPlace {
  readonly where: string;
  /** Status of what is answered instead. */
  readonly answer: number;
  readonly origin: Origin | undefined;
}

const missingCluster = (cluster: string, { where, answer, origin }: MissingPlace): Diagnostic => ({
  code: 'IST0101',
  severity: 'warning',
  message: `${where} sends to cluster "${cluster}", which does not exist: such requests are answered ${answer} with flag NC.`,
  hint: 'Name a host and port that a Service has, and a subset that its DestinationRule defines.',
  ...(origin && { origin }),
});

function checkListener(listener: Listener, clusters: ReadonlySet<string>, tables: ReadonlySet<string>): Diagnostic[] {
  const chains = [...(listener.filter_chains ?? []), ...optional(listener.default_filter_chain)];
  const filters = [
    ...chains.flatMap((chain) => chain.filters.map(({ typed_config }) => ({ config: typed_config, chain }))),
    ...optional(listener.api_listener).map(({ api_listener }) => ({ config: api_listener, chain: undefined })),
  ];
  return filters.flatMap(({ config, chain }) => {
    if (config?.['@type'] === extensionTypes.tcpProxy) {
      return checkTcp(config as TcpProxy, { listener, chain, clusters });
    }
    const table = (config as HttpConnectionManager | undefined)?.rds?.route_config_name;
    return table === undefined || tables.has(table) ? [] : [missingTable(table, listener)];
  });
}

const optional = <Value>(value: Value | undefined): Value[] => (value === undefined ? [] : [value]);

interface TcpPlace {
  readonly listener: Listener;
  readonly chain: FilterChain | undefined;
  readonly clusters: ReadonlySet<string>;
}

function checkTcp(config: TcpProxy, { listener, chain, clusters }: TcpPlace): Diagnostic[] {
  const uses = [
    ...optional(config.cluster).map((name) => ({ name, part: 'cluster' })),
    ...(config.weighted_clusters?.clusters ?? []).map(({ name }, i) => ({ name, part: `weighted_clusters.${i}` })),
  ];
  return uses
    .filter(({ name }) => !clusters.has(name) && name !== 'PassthroughCluster' && name !== 'BlackHoleCluster')
    .map(({ name, part }) =>
      missingCluster(name, {
        where: `Listener "${listener.name}"`,
        answer: 503,
        origin: originOf(chain?.metadata, part),
      }),
    );
}

function missingTable(table: string, listener: Listener): Diagnostic {
  const origin = originOf(listener.metadata, '');
  return {
    code: 'MW0401',
    severity: 'error',
    message: `Listener "${listener.name}" asks for route configuration "${table}", which was not generated.`,
    ...(origin && { origin }),
  };
}

/** The place of a part, or of the whole object where the part has none. */
function originOf(metadata: Metadata | undefined, part: string): Origin | undefined {
  const held = metadata?.filter_metadata?.['meshwork'] as OriginMetadata | undefined;
  if (held === undefined) return undefined;
  const { kind, namespace, name, path } = held;
  return { kind, namespace, name, path: held.parts?.[part] ?? path };
}

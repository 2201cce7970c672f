import type { Any, FilterChain, HeaderMutation, HttpConnectionManager, Metadata, TcpProxy } from '#xds';
import { extensionTypes } from '#xds';
import { timesHosts } from '../http/filters/grpc-stats.ts';
import { GRPC_STATS } from '../http/filters/self-contained.ts';
import { wireSafe } from '../http/headers.ts';
import { type HostPolicy, readHostPolicy } from '../http/host.ts';
import type { PathPolicy } from '../http/path.ts';
import { type AccessLogger, type AccessLogs, readAccessLogs } from './access-log/index.ts';
import { fetchMs } from './awaited.ts';
import { checkRules } from './bounds.ts';
import { type ClientOrigin, readClientOrigin } from './client-origin.ts';
import { type ConnectionFilters, GUARD_TYPES, readConnectionFilters } from './guard-config.ts';
import { compileHeaderMutations, type HeaderChange } from './header-mutations.ts';
import { type HttpFilterPlan, readHttpFilters } from './http-filter.ts';
import { type HttpServing, readHttpServing } from './http-serving.ts';
import { balancingLabels } from './labels.ts';
import { MANAGER_RULES } from './listener-bounds.ts';
import { type LocalReplyJson, type LocalReplyRewrite, readLocalReply } from './local-reply-config.ts';
import { type LogTimes, tcpLogTimes } from './log-times.ts';
import { ConfigProblem, unknownExtension, within } from './problem.ts';
import { compileRouteTable, type RouteTable } from './route-table.ts';
import { type RouterOptions, readRouterOptions } from './router-options.ts';
import { readStatsPlan, STATS_FILTER, type StatsPlan } from './stats-plan.ts';
import { checkFilterOrder } from './terminal-filter.ts';
import { readTracing, type TracingConfig } from './tracing-config.ts';
import { readTunneling, type TunnelRequest } from './tunneling-config.ts';
import { durationMs, type Fields, readNumber, record } from './values.ts';

/** Filters by which Istio's proxies introduce themselves at the beginning of a connection. */
const EXCHANGES: ReadonlySet<string> = new Set(['istio.metadata_exchange', 'envoy.filters.network.metadata_exchange']);

/** Whether connections through these filters begin with the names of both workloads. */
export const exchangesPeers = (filters: readonly { readonly name: string }[]): boolean =>
  filters.some(({ name }) => EXCHANGES.has(name));

/** What of a client's certificate is told besides its hash. */
export interface ClientCertDetails {
  readonly subject: boolean;
  readonly cert: boolean;
  readonly chain: boolean;
  readonly dns: boolean;
  readonly uri: boolean;
}

/** An HTTP connection manager ready to serve. */
export interface HttpFilterConfig extends ConnectionFilters, RouterOptions {
  readonly kind: 'http';
  readonly statPrefix: string;
  /** Name of the RDS resource, or the table itself. */
  readonly routes: { readonly rds: string; readonly withinMs: number } | { readonly table: RouteTable };
  readonly filters: readonly HttpFilterPlan[];
  readonly serverName: string;
  readonly serverHeader: 'OVERWRITE' | 'APPEND_IF_ABSENT' | 'PASS_THROUGH';
  /** Empty: Via is left as it is. */
  readonly via: string;
  readonly useRemoteAddress: boolean;
  /** Proxies in front of this one whose X-Forwarded-For is believed. */
  readonly trustedHops: number;
  /** Who clients are, where more than the above counts. */
  readonly origin: ClientOrigin | undefined;
  /** Made before anything else is read of a request; undefined: none. */
  readonly earlyChanges: readonly HeaderChange[] | undefined;
  readonly generateRequestId: boolean;
  /** At the edge too, a client's x-request-id is kept. */
  readonly keepsRequestId: boolean;
  /** `Expect: 100-continue` and answers before the answer are between the client and the host. */
  readonly passesInformational: boolean;
  /** Hosts that are told who the client is hear of its connection. */
  readonly namesClients: boolean;
  /** Every answer tells the client its x-request-id. */
  readonly tellsRequestId: boolean;
  /** What requests count as having come by, whatever they did; undefined: that. */
  readonly scheme: 'http' | 'https' | undefined;
  readonly paths: PathPolicy;
  readonly hosts: HostPolicy;
  readonly forwardClientCert: 'SANITIZE' | 'FORWARD_ONLY' | 'APPEND_FORWARD' | 'SANITIZE_SET' | 'ALWAYS_FORWARD_ONLY';
  readonly certDetails: ClientCertDetails;
  /** The port that the client dialled is told in X-Forwarded-Port. */
  readonly tellsPort: boolean;
  /** Undefined: nothing is traced. */
  readonly tracing: TracingConfig | undefined;
  readonly accessLogs: readonly AccessLogger[];
  /** Gives answers of this proxy another form; undefined: they stay as they are. */
  readonly localReply: LocalReplyRewrite | undefined;
  /** Istio's statistics filters, which count the requests. */
  readonly stats: readonly StatsPlan[];
  /** A `grpc_stats` filter counts gRPC calls under their clusters. */
  readonly countsGrpc: boolean;
  /** A format, or a span, asks how long parts of a request took. */
  readonly timed: boolean;
  readonly serving: HttpServing;
}

export interface TcpShare {
  readonly cluster: string;
  readonly weight: number;
  /** Labels that its hosts must have, where the cluster has subsets. */
  readonly criteria: Fields | undefined;
}

/** Answers every connection alike, or with what it says. */
export interface PlainFilterConfig extends ConnectionFilters {
  readonly kind: 'plain';
  /** Sent at once, then the connection ends; undefined: the client's own bytes come back. */
  readonly response: Buffer | undefined;
}

/** Doubles from attempt to attempt, up to a bound; drawn below that each time. */
export interface AttemptWait {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** What a filter chain ends in. */
export type TerminalConfig = HttpFilterConfig | TcpFilterConfig | PlainFilterConfig;

/** A TCP proxy ready to serve. */
export interface TcpFilterConfig extends ConnectionFilters {
  readonly kind: 'tcp';
  readonly statPrefix: string;
  readonly shares: readonly TcpShare[];
  readonly totalWeight: number;
  /** The client's proxy may introduce itself. */
  readonly exchangesPeers: boolean;
  readonly stats: readonly StatsPlan[];
  /** Its hosts connect on by HTTP; undefined: its connections are to the hosts themselves. */
  readonly tunnel: TunnelRequest | undefined;
  /** Balancers that hash go by the client's address. */
  readonly hashesSource: boolean;
  readonly idleTimeoutMs: number;
  /** 0: a connection may live for ever. */
  readonly maxDurationMs: number;
  /** Percent of that by which it may live longer, drawn for each connection. */
  readonly maxDurationJitter: number;
  /** No host is asked for before the client has said something. */
  readonly connectsOnData: boolean;
  /** What the client says before a host is there is read, and not left in its socket. */
  readonly readsEarly: boolean;
  readonly maxConnectAttempts: number;
  /** How long to wait before another attempt; undefined: not at all. */
  readonly attemptWait: AttemptWait | undefined;
  readonly logTimes: LogTimes;
  readonly accessLogs: readonly AccessLogger[];
}

const TYPE = 'type.googleapis.com/envoy.extensions.filters.network.';

/** Types of the configurations of filters that take a connection. */
const TERMINAL: ReadonlySet<string> = new Set([
  extensionTypes.httpConnectionManager,
  extensionTypes.tcpProxy,
  `${TYPE}direct_response.v3.Config`,
  `${TYPE}echo.v3.Echo`,
]);

const isKnown = (type: string): boolean => TERMINAL.has(type) || GUARD_TYPES.includes(type);

/** Reads the filters of a chain: what guards the connection, then the one that takes it. */
export function compileNetworkFilter(chain: FilterChain, versionInfo: string): TerminalConfig {
  const all = chain.filters ?? [];
  const filters = all.filter(({ name }) => !EXCHANGES.has(name) && name !== STATS_FILTER);
  if (filters.every(({ typed_config: own }) => isKnown(own?.['@type'] ?? ''))) {
    checkFilterOrder(filters, { field: 'filters', chain: 'network', ends: (type) => TERMINAL.has(type) });
  }
  const terminal = filters.pop();
  if (terminal === undefined) throw new ConfigProblem('filters', 'is empty');
  const before = readConnectionFilters(filters);
  const config = terminal.typed_config;
  switch (config?.['@type']) {
    case extensionTypes.httpConnectionManager:
      return { ...compileHcm(config as HttpConnectionManager, versionInfo), ...before };
    case extensionTypes.tcpProxy:
      return {
        ...compileTcpProxy(config as TcpProxy),
        ...before,
        exchangesPeers: exchangesPeers(all),
        stats: readStats(all),
      };
    case `${TYPE}direct_response.v3.Config`:
      return { kind: 'plain', response: readResponse(config), ...before };
    case `${TYPE}echo.v3.Echo`:
      return { kind: 'plain', response: undefined, ...before };
    default:
      throw unknownExtension('filters', terminal.name, config);
  }
}

function readResponse(config: Any): Buffer {
  const given = (config['response'] ?? {}) as { readonly inline_string?: string; readonly inline_bytes?: string };
  return given.inline_bytes === undefined
    ? Buffer.from(given.inline_string ?? '')
    : Buffer.from(given.inline_bytes, 'base64');
}

function readStatPrefix(given: string | undefined): string {
  if (!given) throw new ConfigProblem('stat_prefix', 'value length must be at least 1 characters');
  return given;
}

const readStats = (filters: readonly { readonly name: string; readonly typed_config?: Any }[]): StatsPlan[] =>
  filters.filter(({ name }) => name === STATS_FILTER).map(({ typed_config }) => readStatsPlan(typed_config));

function compileTcpProxy(
  config: TcpProxy,
): Omit<TcpFilterConfig, keyof ConnectionFilters | 'exchangesPeers' | 'stats'> {
  const shares: readonly { name: string; weight: number; metadata_match?: Metadata }[] =
    config.cluster === undefined ? (config.weighted_clusters?.clusters ?? []) : [{ name: config.cluster, weight: 1 }];
  const criteria = balancingLabels(config.metadata_match);
  const totalWeight = shares.reduce((sum, share) => sum + share.weight, 0);
  if (totalWeight === 0) throw new ConfigProblem('tcp_proxy', 'has neither cluster nor weighted_clusters');
  return {
    kind: 'tcp',
    statPrefix: readStatPrefix(config.stat_prefix),
    shares: shares.map(({ name, weight, metadata_match: own }) => ({
      cluster: name,
      weight,
      criteria: own === undefined ? criteria : { ...criteria, ...balancingLabels(own) },
    })),
    totalWeight,
    tunnel: readTunneling(config.tunneling_config),
    hashesSource: (config.hash_policy ?? []).some(({ source_ip }) => source_ip !== undefined),
    idleTimeoutMs: durationMs(config.idle_timeout, 'tcp_proxy.idle_timeout', 3_600_000),
    maxDurationMs: durationMs(
      config['max_downstream_connection_duration'] as string | undefined,
      'tcp_proxy.max_downstream_connection_duration',
      0,
    ),
    maxDurationJitter: readNumber(record(config['max_downstream_connection_duration_jitter_percentage'])?.['value'], 0),
    connectsOnData: connectsOnData(config),
    readsEarly: config['max_early_data_bytes'] !== undefined,
    maxConnectAttempts: readNumber(config['max_connect_attempts'], 1),
    attemptWait: readAttemptWait(record(config['backoff_options'])),
    logTimes: tcpLogTimes(config),
    accessLogs: readAccessLogs((config['access_log'] ?? []) as AccessLogs),
  };
}

/** A connection of TLS is told of once its handshake is over, so that is no moment of its own. */
function connectsOnData(config: TcpProxy): boolean {
  const mode = config['upstream_connect_mode'] ?? 'IMMEDIATE';
  if (mode !== 'IMMEDIATE' && config['max_early_data_bytes'] === undefined) {
    throw new ConfigProblem(
      'tcp_proxy',
      'max_early_data_bytes must be set when upstream_connect_mode is not IMMEDIATE',
    );
  }
  return mode === 'ON_DOWNSTREAM_DATA';
}

function readAttemptWait(given: Fields | undefined): AttemptWait | undefined {
  if (given === undefined) return undefined;
  const field = 'tcp_proxy.backoff_options';
  const baseMs = durationMs(given['base_interval'] as string | undefined, field, 0);
  const maxMs = durationMs(given['max_interval'] as string | undefined, field, 10 * baseMs);
  if (baseMs > maxMs) throw new ConfigProblem(field, 'max_interval must be greater than or equal to the base_interval');
  return { baseMs, maxMs };
}

/** Commands that measure parts of a request, and logs whose entries always tell them. */
const DURATIONS = /(?:REQUEST|RESPONSE|TX|COMMON|READY)_DURATION|ROUTE_RESOLUTION_TIME|HttpGrpcAccessLogConfig/;

function compileHcm(
  config: HttpConnectionManager,
  versionInfo: string,
): Omit<HttpFilterConfig, keyof ConnectionFilters> {
  checkRules(config, MANAGER_RULES);
  const tracing = readTracing(config);
  return {
    kind: 'http',
    statPrefix: readStatPrefix(config.stat_prefix),
    routes: readRoutes(config, versionInfo),
    filters: readHttpFilters(config.http_filters ?? []),
    serverName: wireSafe(config.server_name ?? 'envoy'),
    serverHeader: (config['server_header_transformation'] ?? 'OVERWRITE') as HttpFilterConfig['serverHeader'],
    via: (config['via'] ?? '') as string,
    useRemoteAddress: config.use_remote_address === true,
    trustedHops: readNumber(config['xff_num_trusted_hops'], 0),
    origin: readClientOrigin(config),
    earlyChanges: readEarlyChanges(config['early_header_mutation_extensions']),
    generateRequestId: config.generate_request_id !== false,
    keepsRequestId: config['preserve_external_request_id'] === true,
    passesInformational: config['proxy_100_continue'] === true,
    namesClients: config['add_proxy_protocol_connection_state'] !== false,
    tellsRequestId: config['always_set_request_id_in_response'] === true,
    scheme: readScheme(config['scheme_header_transformation']),
    paths: {
      normalizePath: config.normalize_path === true,
      mergeSlashes: config['merge_slashes'] === true,
      escapedSlashes: readEscapedSlashes(config['path_with_escaped_slashes_action']),
    },
    hosts: readHostPolicy(config as object),
    forwardClientCert: (config.forward_client_cert_details ?? 'SANITIZE') as HttpFilterConfig['forwardClientCert'],
    certDetails: readCertDetails(config['set_current_client_cert_details']),
    tellsPort: config['append_x_forwarded_port'] === true,
    ...readRouterOptions(config.http_filters?.at(-1)?.typed_config),
    tracing,
    accessLogs: readAccessLogs(config.access_log ?? []),
    localReply: readLocalReply(config['local_reply_config'] as LocalReplyJson | undefined),
    stats: readStats(config.http_filters ?? []),
    countsGrpc: ofType(config, GRPC_STATS).length > 0,
    timed:
      tracing?.verbose === true ||
      ofType(config, GRPC_STATS).some(timesHosts) ||
      DURATIONS.test(JSON.stringify([config.access_log, config.tracing])),
    serving: readHttpServing(config),
  };
}

/** The configurations of filters of one type. */
const ofType = ({ http_filters = [] }: HttpConnectionManager, type: string): Any[] =>
  http_filters.flatMap(({ typed_config }) => (typed_config?.['@type'] === type ? [typed_config] : []));

/** Without runtime keys, the default of the implementation is to keep them. */
const readEscapedSlashes = (given: unknown): PathPolicy['escapedSlashes'] =>
  given === undefined || given === 'IMPLEMENTATION_SPECIFIC_DEFAULT'
    ? 'KEEP_UNCHANGED'
    : (given as PathPolicy['escapedSlashes']);

const EARLY = 'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation';

function readEarlyChanges(given: unknown): readonly HeaderChange[] | undefined {
  const extensions = (given ?? []) as readonly { readonly name: string; readonly typed_config?: Any }[];
  const changes = extensions.flatMap(({ name, typed_config: config }, i) => {
    const field = `early_header_mutation_extensions[${i}]`;
    if (config?.['@type'] !== EARLY) throw unknownExtension(field, name, config);
    return compileHeaderMutations(config['mutations'] as HeaderMutation[] | undefined, field);
  });
  for (const change of changes) {
    if (change.kind === 'write' && (change.rule.name.startsWith(':') || change.rule.name === 'host')) {
      throw new ConfigProblem('early_header_mutation_extensions', ':-prefixed or host headers may not be modified');
    }
  }
  return changes.length === 0 ? undefined : changes;
}

function readScheme(given: unknown): 'http' | 'https' | undefined {
  const scheme = (given as { scheme_to_overwrite?: string } | undefined)?.scheme_to_overwrite;
  return scheme === 'http' || scheme === 'https' ? scheme : undefined;
}

function readCertDetails(given: unknown): ClientCertDetails {
  const has = (name: keyof ClientCertDetails): boolean =>
    (given as Partial<ClientCertDetails> | undefined)?.[name] === true;
  return { subject: has('subject'), cert: has('cert'), chain: has('chain'), dns: has('dns'), uri: has('uri') };
}

function readRoutes(config: HttpConnectionManager, versionInfo: string): HttpFilterConfig['routes'] {
  if (config.rds !== undefined) {
    return { rds: config.rds.route_config_name, withinMs: fetchMs(config.rds.config_source) };
  }
  if (config.route_config === undefined) throw new ConfigProblem('route_specifier', 'has neither rds nor route_config');
  const resource = config.route_config;
  return { table: within('route_config', () => compileRouteTable(resource, versionInfo)) };
}

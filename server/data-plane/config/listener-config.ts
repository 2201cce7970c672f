import { isIP } from 'node:net';
import type { Origin, SocketAddress } from '#domain';
import { type FilterChain, type FilterChainMatch, type Listener, typeUrls } from '#xds';
import type { ChainSubject } from '../listener/filter-chain-match.ts';
import type { WantedFingerprints } from '../tls/hello-fingerprints.ts';
import type { AccessLogFilter } from './access-log/filter.ts';
import { type AccessLogger, readAccessLogs } from './access-log/index.ts';
import type { Awaited } from './awaited.ts';
import { checkRules } from './bounds.ts';
import { type ChainCriteria, readChainMatch } from './chain-match.ts';
import { readChainMatcher } from './chain-matcher.ts';
import {
  awaitedExtensions,
  type ExtensionConfigs,
  extensionKinds,
  missingExtensions,
  type ServedChain,
  withExtensions,
} from './discovered-filters.ts';
import { type ConnectionRate, isOff, requiredBucket } from './guard-config.ts';
import { LISTENER_RULES } from './listener-bounds.ts';
import { refuseEqualChains } from './listener-conflicts.ts';
import { compilePortPredicate } from './listener-filter-match.ts';
import type { Matcher } from './matcher.ts';
import { compileNetworkFilter, type TerminalConfig } from './network-filter.ts';
import { type Origins, readOrigins, readTokenOrigins } from './origins.ts';
import { ConfigProblem, unknownExtension, within } from './problem.ts';
import {
  HTTP_INSPECTOR,
  PROXY_PROTOCOL,
  type ProxyProtocolRules,
  readProxyProtocol,
  TLS_INSPECTOR,
} from './proxy-protocol-config.ts';
import { awaitedSecrets, type DownstreamTls, readDownstreamTls } from './tls-settings.ts';
import { durationMs } from './values.ts';

export interface CompiledFilterChain {
  readonly name: string;
  readonly match: FilterChainMatch;
  /** The same, compiled. */
  readonly criteria: ChainCriteria;
  readonly filter: TerminalConfig;
  /** A filter before that one got no configuration: connections are reset. */
  readonly lacksFilter: boolean;
  readonly tls: DownstreamTls | undefined;
  /** How long a client's handshake may take; 0: not said. */
  readonly handshakeMs: number;
  readonly resource: FilterChain;
  readonly origins: Origins | undefined;
}

/** A listener ready to accept; immutable. */
export interface CompiledListener {
  readonly name: string;
  readonly versionInfo: string;
  readonly address: SocketAddress;
  readonly bindToPort: boolean;
  readonly useOriginalDst: boolean;
  readonly direction: 'inbound' | 'outbound';
  /** Its requests are traced as a server's. As in Envoy, so are those of a listener that says no direction. */
  readonly serves: boolean;
  readonly chains: readonly CompiledFilterChain[];
  readonly defaultChain: CompiledFilterChain | undefined;
  /** Chooses a chain by name, in place of the chains' own matches; undefined: those count. */
  readonly chainMatcher: Matcher<ChainSubject, string> | undefined;
  /** Set where load balancers tell who their clients are. */
  readonly proxyProtocol: ProxyProtocolRules | undefined;
  /** Whether connections to a port are looked into for TLS, and for HTTP in plaintext. */
  readonly inspectTls: (port: number) => boolean;
  /** Undefined: none are taken. */
  readonly fingerprints: WantedFingerprints | undefined;
  readonly inspectHttp: (port: number) => boolean;
  /** A connection whose first bytes do not come in time is taken all the same, else closed. */
  readonly continuesUninspected: boolean;
  /** 0: waits for the first bytes without limit. */
  readonly inspectTimeoutMs: number;
  readonly accessLogs: readonly AccessLogger[];
  /** The log tells more than the connections that no chain takes. */
  readonly logsConnections: boolean;
  /** Limits how many connections open; undefined: nothing. */
  readonly rateLimit: { readonly statPrefix: string; readonly limit: ConnectionRate } | undefined;
  readonly resource: Listener;
  readonly origins: Origins | undefined;
  /** The rule behind each provider of tokens. */
  readonly tokenOrigins: ReadonlyMap<string, Origin>;
  /** Route tables and secrets that must arrive before this listener serves. */
  readonly awaits: readonly Awaited[];
  /** ECDS resources that it asks for, and those that must still arrive before it serves. */
  readonly extensionKinds: ReadonlyMap<string, 'http_filter' | 'network_filter'>;
  readonly missingExtensions: readonly string[];
}

const NO_EXTENSIONS: ExtensionConfigs = new Map();

function readFingerprints({ listener_filters = [] }: Listener): WantedFingerprints | undefined {
  const config = listener_filters.find(({ name }) => name === TLS_INSPECTOR)?.typed_config;
  const ja3 = config?.['enable_ja3_fingerprinting'] === true;
  const ja4 = config?.['enable_ja4_fingerprinting'] === true;
  return ja3 || ja4 ? { ja3, ja4 } : undefined;
}

const LOCAL_RATE_LIMIT = 'envoy.filters.listener.local_ratelimit';

const LISTENER_FILTERS = new Set([
  PROXY_PROTOCOL,
  LOCAL_RATE_LIMIT,
  'envoy.filters.listener.original_dst',
  TLS_INSPECTOR,
  HTTP_INSPECTOR,
]);

/** Compiles a listener. Throws ConfigProblem for anything this proxy cannot do exactly as asked. */
export function compileListener(
  resource: Listener,
  versionInfo: string,
  extensions: ExtensionConfigs = NO_EXTENSIONS,
): CompiledListener {
  const asked = extensionKinds(resource);
  const served = asked.size === 0 ? resource : withExtensions(resource, extensions);
  checkRules(resource, LISTENER_RULES);
  const socket = resource.address?.socket_address;
  if (resource.address === undefined) {
    throw new ConfigProblem('address', `error adding listener named '${resource.name}': address is necessary`);
  }
  if (socket === undefined) throw new ConfigProblem('address', 'only socket_address is supported');
  if (isIP(socket.address) === 0) throw new ConfigProblem('address', `malformed IP address: ${socket.address}`);
  const filters = (resource.listener_filters ?? []).map((filter) => filter.name);
  for (const [i, name] of filters.entries()) {
    if (!LISTENER_FILTERS.has(name)) {
      throw unknownExtension(`listener_filters[${i}]`, name, (resource.listener_filters ?? [])[i]?.typed_config);
    }
  }
  const chains = (served.filter_chains ?? []).map((chain, i) =>
    within(`filter_chains[${i}]`, () => compileChain(chain, versionInfo)),
  );
  const matcher = served.filter_chain_matcher;
  if (matcher === undefined) refuseEqualChains(served, chains);
  const fallback = served.default_filter_chain;
  const defaultChain = fallback && within('default_filter_chain', () => compileChain(fallback, versionInfo));
  if (chains.length === 0 && defaultChain === undefined) {
    throw new ConfigProblem('filter_chains', 'error adding listener: no filter chains specified');
  }
  return {
    name: resource.name,
    versionInfo,
    address: { ip: socket.address, port: socket.port_value },
    bindToPort: resource.bind_to_port !== false,
    useOriginalDst: resource.use_original_dst === true,
    direction: resource.traffic_direction === 'INBOUND' ? 'inbound' : 'outbound',
    serves: resource.traffic_direction !== 'OUTBOUND',
    chains,
    defaultChain,
    chainMatcher: matcher && within('filter_chain_matcher', () => readChainMatcher(matcher)),
    continuesUninspected: resource.continue_on_listener_filters_timeout === true,
    proxyProtocol: readProxyProtocol(resource),
    inspectTls: compileInspector(resource, TLS_INSPECTOR),
    fingerprints: readFingerprints(resource),
    inspectHttp: compileInspector(resource, HTTP_INSPECTOR),
    inspectTimeoutMs: durationMs(resource.listener_filters_timeout, 'listener_filters_timeout', 15_000),
    accessLogs: readAccessLogs(resource.access_log ?? []),
    logsConnections: (resource.access_log ?? []).some(({ filter }) => !onlyUnmatched(filter)),
    rateLimit: readRateLimit(resource),
    resource,
    origins: readOrigins(resource.metadata),
    tokenOrigins: readTokenOrigins(resource.metadata),
    awaits: [
      ...awaited(defaultChain === undefined ? chains : [...chains, defaultChain]),
      ...(asked.size === 0 ? [] : awaitedExtensions(resource)),
    ],
    extensionKinds: asked,
    missingExtensions: asked.size === 0 ? [] : missingExtensions(resource, extensions),
  };
}

/** Istio's own filter: a line for connections that no chain takes. */
const onlyUnmatched = (filter: unknown): boolean => {
  const flags = (filter as AccessLogFilter | undefined)?.response_flag_filter?.flags ?? [];
  return flags.length === 1 && flags[0] === 'NR';
};

/** Reads envoy.extensions.filters.listener.local_ratelimit.v3.LocalRateLimit. */
function readRateLimit({ listener_filters = [] }: Listener): CompiledListener['rateLimit'] {
  const at = listener_filters.findIndex(({ name }) => name === LOCAL_RATE_LIMIT);
  const config = listener_filters[at]?.typed_config;
  if (config === undefined || isOff(config)) return undefined;
  const bucket = within(`listener_filters[${at}]`, () => requiredBucket(config));
  return { statPrefix: String(config['stat_prefix'] ?? ''), limit: { bucket, shareKey: '' } };
}

function compileInspector({ listener_filters = [] }: Listener, name: string): (port: number) => boolean {
  const at = listener_filters.findIndex((filter) => filter.name === name);
  if (at < 0) return () => false;
  const disabled = compilePortPredicate(
    listener_filters[at]?.filter_disabled,
    `listener_filters[${at}].filter_disabled`,
  );
  return (port) => !disabled(port);
}

function compileChain(chain: ServedChain, versionInfo: string): CompiledFilterChain {
  return {
    name: chain.name ?? '',
    match: chain.filter_chain_match ?? {},
    criteria: readChainMatch(chain.filter_chain_match ?? {}),
    filter: compileNetworkFilter(chain, versionInfo),
    lacksFilter: chain.lacksFilter === true,
    tls: readDownstreamTls(chain.transport_socket),
    handshakeMs: durationMs(chain.transport_socket_connect_timeout, 'transport_socket_connect_timeout', 0),
    resource: chain,
    origins: readOrigins(chain.metadata),
  };
}

const awaited = (chains: readonly CompiledFilterChain[]): Awaited[] =>
  chains.flatMap(({ filter, tls }) => [
    ...(filter.kind === 'http' && 'rds' in filter.routes
      ? [{ typeUrl: typeUrls.route, name: filter.routes.rds, withinMs: filter.routes.withinMs }]
      : []),
    ...awaitedSecrets(tls),
  ]);

import { type Any, extensionTypes, type FilterChain, type HttpConnectionManager, type Listener } from '#xds';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { telemetriesFor } from '../../snapshot/telemetries.ts';
import { SNI_LOOKUP } from '../clusters/dynamic-dns.ts';
import { filterNames } from '../envoy-types.ts';
import { MONGO_FILTER } from '../http-filters/codec-filters.ts';
import { UUID_EXTENSION } from '../http-filters/istio-filters.ts';
import { isBlackHole } from '../listeners/chain-draft.ts';
import type { ProxyView } from '../proxy-view.ts';
import { type AccessLog, accessLog } from './access-log.ts';
import { type LogMode, telemetryAccessLogs } from './access-logging.ts';
import { BOOTSTRAP_LOGS } from './log-services.ts';
import { type StatsFilter, statsFilters } from './metrics.ts';
import { serviceTags } from './span-tags.ts';
import { type SideTracing, tracingOf } from './tracing.ts';

/** What is observed on one side of a proxy. */
interface Observation {
  /** Access logs of Telemetry; undefined: the mesh's own stay. */
  readonly logs: readonly AccessLog[] | undefined;
  /** What the mesh adds to its own. */
  readonly added: typeof BOOTSTRAP_LOGS | undefined;
  /** What a listener itself logs: connections that no filter chain takes. */
  readonly unmatched: readonly AccessLog[];
  readonly tracing: SideTracing;
  /** Filters that count. */
  readonly stats: readonly StatsFilter[];
}

/**
 * Gives listeners what a proxy is to observe: access logs of Telemetry in place of the mesh's, the listeners' own log, tracing, and
 * metrics.
 */
export function observedListeners(
  listeners: readonly Listener[],
  snapshot: MeshSnapshot,
  proxy: ProxyView,
): readonly Listener[] {
  if (proxy.role === 'grpc') return listeners;
  const client = observationOf(snapshot, proxy, 'CLIENT');
  const server = proxy.role === 'sidecar' ? observationOf(snapshot, proxy, 'SERVER') : client;
  return listeners.map((listener) =>
    observed(listener, proxy, listener.traffic_direction === 'INBOUND' ? server : client),
  );
}

/** What tracing puts of a proxy itself into listeners: proxies of one key and scope may share them. */
export const spanIdentity = ({ mesh }: MeshSnapshot, proxy: ProxyView): string =>
  JSON.stringify([serviceTags(proxy), mesh.defaultProviders['tracing'] === undefined ? 0 : proxy.cluster]);

function observationOf(snapshot: MeshSnapshot, proxy: ProxyView, mode: LogMode): Observation {
  const { mesh } = snapshot;
  const telemetries = telemetriesFor(snapshot.telemetries, proxy, mesh.rootNamespace);
  const input = { snapshot, proxy, telemetries };
  const logs = telemetryAccessLogs(input, mode);
  const added = logs === undefined && proxy.istioProxy && mesh.enableEnvoyAccessLogService === true;
  const ofMesh = [...(accessLog(mesh).access_log ?? []), ...(added ? [BOOTSTRAP_LOGS.listener] : [])];
  const listenerLogs = mesh.disableEnvoyListenerLog === true ? [] : (logs ?? ofMesh);
  return {
    logs,
    added: added ? BOOTSTRAP_LOGS : undefined,
    unmatched: listenerLogs.map((log) => ({ ...log, filter: and(NO_CHAIN, log.filter) })),
    tracing: tracingOf(input, mode),
    stats: proxy.counts
      ? statsFilters(mesh, telemetries, { mode, hostFallback: mode === 'CLIENT' && proxy.role === 'sidecar' })
      : [],
  };
}

type LogFilter = NonNullable<AccessLog['filter']>;

const NO_CHAIN: LogFilter = { response_flag_filter: { flags: ['NR'] } };

const and = (first: LogFilter, second: LogFilter | undefined): LogFilter =>
  second === undefined ? first : { and_filter: { filters: [first, second] } };

function observed(listener: Listener, proxy: ProxyView, observation: Observation): Listener {
  const { filter_chains, default_filter_chain } = listener;
  const chains = filter_chains && unchangedOr(filter_chains, (chain) => observedChain(chain, observation));
  const fallback = default_filter_chain && observedChain(default_filter_chain, observation);
  const logs = logsUnmatched(listener, proxy) ? observation.unmatched : [];
  if (chains === filter_chains && fallback === default_filter_chain && logs.length === 0) return listener;
  return {
    ...listener,
    ...(chains && { filter_chains: chains }),
    ...(fallback && { default_filter_chain: fallback }),
    ...(logs.length > 0 && { access_log: logs }),
  };
}

/** Listeners that connections reach from outside the proxy; source: callers of setListenerAccessLog in istio pilot. */
const logsUnmatched = ({ name, traffic_direction }: Listener, { role }: ProxyView): boolean =>
  role === 'router' || traffic_direction === 'INBOUND' || name === 'virtualOutbound';

function observedChain(chain: FilterChain, observation: Observation): FilterChain {
  const filters = unchangedOr(chain.filters, (filter) => {
    const { typed_config } = filter;
    if (typed_config === undefined) return filter;
    const changed = observedFilter(typed_config, observation, isBlackHole(chain));
    return changed === typed_config ? filter : { ...filter, typed_config: changed };
  });
  const isTcp = filters.at(-1)?.typed_config?.['@type'] === extensionTypes.tcpProxy;
  const counted = isTcp ? countingTcp(filters, observation.stats) : filters;
  return counted === chain.filters ? chain : { ...chain, filters: counted };
}

/** Filters that belong to the one that ends a chain. Source: buildNetworkFiltersStack and buildSNIDFPFilter in istio pilot. */
const WITH_THE_LAST: ReadonlySet<string> = new Set([MONGO_FILTER, SNI_LOOKUP]);

/** What counts stands before the filter that ends the list, and before what belongs to that. */
function countingTcp(filters: FilterChain['filters'], added: readonly StatsFilter[]): FilterChain['filters'] {
  if (added.length === 0) return filters;
  const before = filters.slice(0, -1).findLastIndex(({ name }) => !WITH_THE_LAST.has(name));
  return filters.toSpliced(before + 1, 0, ...added);
}

function observedFilter(config: Any, { logs, added, tracing, stats }: Observation, silent: boolean): Any {
  const isHttp = config['@type'] === extensionTypes.httpConnectionManager;
  if (!isHttp && config['@type'] !== extensionTypes.tcpProxy) return config;
  const present = (config as HttpConnectionManager).access_log ?? [];
  const wanted = added === undefined ? logs : [...present, isHttp ? added.http : added.tcp];
  const logged = wanted === undefined || silent ? config : withLogs(config, wanted);
  return isHttp ? counting(traced(logged as HttpConnectionManager, tracing), stats) : logged;
}

/** HTTP is counted after CORS, before hosts are looked up and the request is routed. */
function counting(config: HttpConnectionManager, stats: readonly StatsFilter[]): HttpConnectionManager {
  if (stats.length === 0) return config;
  const { http_filters = [] } = config;
  const place = http_filters.findIndex(({ name }) => name === filterNames.cors) + 1;
  return { ...config, http_filters: http_filters.toSpliced(place, 0, ...stats) };
}

function withLogs(config: Any, logs: readonly AccessLog[]): Any {
  const { access_log: _, ...rest } = config as HttpConnectionManager;
  return { ...rest, ...(logs.length > 0 && { access_log: logs }) };
}

function traced(config: HttpConnectionManager, { tracing, requestIdDecides }: SideTracing): HttpConnectionManager {
  return {
    ...config,
    ...(tracing && { tracing }),
    ...(!requestIdDecides && {
      request_id_extension: {
        typed_config: { ...UUID_EXTENSION.typed_config, use_request_id_for_trace_sampling: false },
      },
    }),
  };
}

/** The list of what `change` makes of each item; the very list where it changes none. */
function unchangedOr<Item>(items: Item[], change: (item: Item) => Item): Item[] {
  const changed = items.map(change);
  return changed.every((item, i) => item === items[i]) ? items : changed;
}

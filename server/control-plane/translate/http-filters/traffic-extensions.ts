import {
  type Any,
  type ConfiguredFilter,
  extensionTypes,
  type FilterChain,
  type HttpConnectionManager,
  type Listener,
} from '#xds';
import {
  type ChainKind,
  chainKind,
  phaseOf,
  type TrafficExtension,
  takesPart,
  trafficExtensionsFor,
} from '../../snapshot/traffic-extensions.ts';
import { inboundPorts } from '../inbound-ports.ts';
import type { ProxyView } from '../proxy-view.ts';
import type { OutboundScope } from '../scope.ts';
import { POLICY_FILTERS } from './policy-filters.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters';

/** What a filter may become: the module, or the rules that stand in for one that cannot be fetched. */
const TYPE_URLS: Readonly<Record<ChainKind, readonly string[]>> = {
  http: [`${TYPE}.http.wasm.v3.Wasm`, `${TYPE}.http.rbac.v3.RBAC`],
  network: [`${TYPE}.network.wasm.v3.Wasm`, `${TYPE}.network.rbac.v3.RBAC`],
};

interface Extending {
  readonly extensions: readonly TrafficExtension[];
  readonly side: 'CLIENT' | 'SERVER';
}

/**
 * Gives listeners the filters of WasmPlugins and TrafficExtensions, each in the place of its phase. A Lua filter carries its code; the
 * configuration of a Wasm filter is asked for by its name, and listeners wait for it. Source: extensionfilter.go in istio pilot.
 */
export function extendedListeners(
  listeners: readonly Listener[],
  scope: OutboundScope,
  proxy: ProxyView,
): readonly Listener[] {
  const { trafficExtensions, mesh } = scope.snapshot;
  if (proxy.role === 'grpc' || trafficExtensions.length === 0) return listeners;
  const extensions = trafficExtensionsFor(trafficExtensions, proxy, mesh.rootNamespace);
  if (extensions.length === 0) return listeners;
  return listeners.map((listener) =>
    listener.traffic_direction === 'INBOUND'
      ? inboundListener(listener, extensions, servicePorts(scope, proxy))
      : outboundListener(listener, extensions),
  );
}

/** By the workload's ports. */
const servicePorts = (scope: OutboundScope, proxy: ProxyView): ReadonlyMap<number, number> =>
  new Map(inboundPorts(scope, proxy).map(({ port, servicePort }) => [port, servicePort]));

/** Chains that read HTTP go by the port of the workload; those that forward bytes by the port of the service. */
function inboundListener(
  listener: Listener,
  extensions: readonly TrafficExtension[],
  ports: ReadonlyMap<number, number>,
): Listener {
  const extending: Extending = { extensions, side: 'SERVER' };
  return withChains(listener, (chain) => {
    const port = chain.filter_chain_match?.destination_port ?? 0;
    return extended(chain, extending, isHttp(chain) ? port : (ports.get(port) ?? 0));
  });
}

function outboundListener(listener: Listener, extensions: readonly TrafficExtension[]): Listener {
  const extending: Extending = { extensions, side: 'CLIENT' };
  // The catch-all has no port, and takes part in HTTP alone.
  const catchesAll = listener.name === 'virtualOutbound';
  const port = catchesAll ? 0 : Number(listener.name.slice(listener.name.lastIndexOf('_') + 1));
  return withChains(listener, (chain) => {
    if (chain.name === 'PassthroughFilterChain' || (catchesAll && !isHttp(chain))) return chain;
    return catchesAll
      ? withHttpFilters(chain, extending, port)
      : extended(chain, extending, passedThroughPort(chain) ?? port);
  });
}

/** The service port that stands in the name by which a client's mTLS asks for a cluster. */
function passedThroughPort({ filter_chain_match: match }: FilterChain): number | undefined {
  const [, port] = /^outbound_\.(\d+)_\./.exec(match?.server_names?.[0] ?? '') ?? [];
  return port === undefined ? undefined : Number(port);
}

function withChains(listener: Listener, change: (chain: FilterChain) => FilterChain): Listener {
  const { filter_chains, default_filter_chain } = listener;
  const unlessBlackHole = (chain: FilterChain): FilterChain =>
    chain.name?.endsWith('-blackhole') === true ? chain : change(chain);
  return {
    ...listener,
    ...(filter_chains && { filter_chains: filter_chains.map(unlessBlackHole) }),
    ...(default_filter_chain && { default_filter_chain: unlessBlackHole(default_filter_chain) }),
  };
}

const isHttp = ({ filters }: FilterChain): boolean =>
  filters.at(-1)?.typed_config?.['@type'] === extensionTypes.httpConnectionManager;

function extended(chain: FilterChain, extending: Extending, port: number): FilterChain {
  const given = grouped(extending, 'network', port);
  if (!isHttp(chain)) return { ...chain, filters: placed(chain.filters, given, NETWORK_STAGES) };
  const served = withHttpFilters(chain, extending, port);
  return {
    ...served,
    filters: [
      ...served.filters.slice(0, -1),
      ...given.early,
      ...given.middle,
      ...given.late,
      ...served.filters.slice(-1),
    ],
  };
}

function withHttpFilters(chain: FilterChain, extending: Extending, port: number): FilterChain {
  const given = grouped(extending, 'http', port);
  const filters = chain.filters.map((filter) => {
    const manager = filter.typed_config;
    if (manager?.['@type'] !== extensionTypes.httpConnectionManager) return filter;
    const { http_filters = [] } = manager as HttpConnectionManager;
    const typed_config: Any = { ...manager, http_filters: placed(http_filters, given, HTTP_STAGES) };
    return { ...filter, typed_config };
  });
  return { ...chain, filters };
}

/** Filters by the place of their phase: before tokens are verified, before policies are checked, behind the policies. */
interface Grouped {
  readonly early: readonly ConfiguredFilter[];
  readonly middle: readonly ConfiguredFilter[];
  readonly late: readonly ConfiguredFilter[];
}

function grouped({ extensions, side }: Extending, kind: ChainKind, port: number): Grouped {
  const applying = extensions.filter((each) => chainKind(each) === kind && takesPart(each, side, port));
  const of = (phase: ReturnType<typeof phaseOf>): ConfiguredFilter[] =>
    applying.filter((each) => phaseOf(each) === phase).map(filterOf);
  return { early: of('AUTHN'), middle: of('AUTHZ'), late: [...of('STATS'), ...of('UNSPECIFIED')] };
}

/** Filters of policies, by the stage to which they belong. */
interface Stages {
  readonly customs: ReadonlySet<string>;
  readonly tokens: ReadonlySet<string>;
  readonly rules: ReadonlySet<string>;
}

const HTTP_STAGES: Stages = {
  customs: new Set([POLICY_FILTERS.httpExtAuthz]),
  tokens: new Set([POLICY_FILTERS.jwtAuthn]),
  rules: new Set([POLICY_FILTERS.httpRbac]),
};

const NETWORK_STAGES: Stages = {
  customs: new Set([POLICY_FILTERS.networkExtAuthz]),
  tokens: new Set(),
  rules: new Set([POLICY_FILTERS.networkRbac]),
};

const METADATA_EXCHANGE = 'istio.metadata_exchange';

/** External authorizers stand before every phase, with the rules that ask them; metadata exchange before all. */
function placed(filters: readonly ConfiguredFilter[], given: Grouped, stages: Stages): ConfiguredFilter[] {
  const { customs, tokens, rules } = stages;
  const start = filters[0]?.name === METADATA_EXCHANGE ? 1 : 0;
  const policies = filters.findIndex(
    ({ name }, i) => i >= start && !customs.has(name) && !tokens.has(name) && !rules.has(name),
  );
  const end = policies < 0 ? filters.length : policies;
  const lastOf = (names: ReadonlySet<string>, from: number): number =>
    Math.max(from, filters.slice(0, end).findLastIndex(({ name }) => names.has(name)) + 1);
  const early = lastOf(customs, start);
  const middle = lastOf(tokens, early);
  return [
    ...filters.slice(0, early),
    ...given.early,
    ...filters.slice(early, middle),
    ...given.middle,
    ...filters.slice(middle, end),
    ...given.late,
    ...filters.slice(end),
  ];
}

function filterOf(extension: TrafficExtension): ConfiguredFilter {
  const { filterName: name, spec } = extension;
  if (spec.wasm === undefined) {
    const default_source_code = { inline_string: spec.lua?.inlineCode ?? '' };
    return { name, typed_config: { '@type': `${TYPE}.http.lua.v3.Lua`, default_source_code } };
  }
  const config_source = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
  return { name, config_discovery: { config_source, type_urls: [...TYPE_URLS[chainKind(extension)]] } };
}

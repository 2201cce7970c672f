import {
  type Any,
  type ConfiguredFilter,
  extensionTypes,
  type FilterChain,
  type HttpConnectionManager,
  type Listener,
  typeUrls,
} from '#xds';
import { type Awaited, fetchMs } from './awaited.ts';
import { MISSING_CONFIG } from './missing-filter.ts';
import { ConfigProblem } from './problem.ts';

/** Configurations that the control plane serves by name (ECDS). */
export type ExtensionConfigs = ReadonlyMap<string, Any>;

/** The filters of a listener that ask for their configuration. */
const discovering = (listener: Listener): ConfiguredFilter[] =>
  chainsOf(listener)
    .flatMap(({ filters }) => [...filters, ...filters.flatMap((filter) => managerOf(filter)?.http_filters ?? [])])
    .filter(({ config_discovery }) => config_discovery !== undefined);

/** Which kind of filter asks for each configuration, as statistics name it. */
export const extensionKinds = (listener: Listener): ReadonlyMap<string, 'http_filter' | 'network_filter'> => {
  const ofConnections = new Set(chainsOf(listener).flatMap(({ filters }) => filters));
  return new Map(
    discovering(listener).map((filter) => [filter.name, ofConnections.has(filter) ? 'network_filter' : 'http_filter']),
  );
};

const namesOf = (filters: readonly ConfiguredFilter[]): string[] => [...new Set(filters.map(({ name }) => name))];

/** Those of them that have none yet, or one of a type that the filter does not take. */
export const missingExtensions = (listener: Listener, configs: ExtensionConfigs): string[] =>
  namesOf(discovering(listener).filter((filter) => configFor(filter, configs) === undefined));

/** What of them the listener waits for before it serves. */
export const awaitedExtensions = (listener: Listener): Awaited[] =>
  discovering(listener).flatMap(({ name, config_discovery }) => {
    const { config_source, default_config, apply_default_config_without_warming: atOnce } = config_discovery ?? {};
    if (atOnce !== true) return [{ typeUrl: typeUrls.extension, name, withinMs: fetchMs(config_source) }];
    if (default_config !== undefined) return [];
    throw new ConfigProblem(
      'config_discovery',
      `Error: filter config ${name} applied without warming but has no default config.`,
    );
  });

function configFor({ name, config_discovery }: ConfiguredFilter, configs: ExtensionConfigs): Any | undefined {
  const config = configs.get(name);
  const types = config_discovery?.type_urls ?? [];
  return config !== undefined && (types.length === 0 || types.includes(config['@type'])) ? config : undefined;
}

const chainsOf = ({ filter_chains = [], default_filter_chain }: Listener): readonly FilterChain[] =>
  default_filter_chain === undefined ? filter_chains : [...filter_chains, default_filter_chain];

function managerOf({ typed_config }: ConfiguredFilter): HttpConnectionManager | undefined {
  return typed_config?.['@type'] === extensionTypes.httpConnectionManager
    ? (typed_config as HttpConnectionManager)
    : undefined;
}

/** A chain as it is served. */
export interface ServedChain extends FilterChain {
  /** A filter of its connections has no configuration: none may pass. */
  readonly lacksFilter?: boolean;
}

/**
 * The listener with the configurations that its filters asked for, or with their defaults. In the place of an HTTP filter that has neither
 * stands one that answers 500.
 */
export function withExtensions(
  listener: Listener,
  configs: ExtensionConfigs,
): Listener & { readonly filter_chains?: ServedChain[]; readonly default_filter_chain?: ServedChain } {
  return {
    ...listener,
    ...(listener.filter_chains && { filter_chains: listener.filter_chains.map((chain) => configured(chain, configs)) }),
    ...(listener.default_filter_chain && { default_filter_chain: configured(listener.default_filter_chain, configs) }),
  };
}

function configured(given: FilterChain, configs: ExtensionConfigs): ServedChain {
  const served = resolved(given.filters, configs);
  const lacksFilter = served.some(isMissing);
  const chain = { ...given, lacksFilter, filters: given.filters.filter((_, i) => !isMissing(served[i]!)) };
  const terminal = chain.filters.at(-1);
  const manager = terminal && managerOf(terminal);
  if (terminal === undefined || manager === undefined) return { ...chain, filters: resolved(chain.filters, configs) };
  // Unlike Envoy, a connection to HTTP is judged with each of its requests, which are then refused one by one.
  const before = chain.filters.filter(({ config_discovery }) => config_discovery);
  const http_filters = [...resolved(before, configs).map(asHttp), ...resolved(manager.http_filters ?? [], configs)];
  const others = chain.filters.slice(0, -1).filter((filter) => !before.includes(filter));
  return { ...chain, filters: [...others, { ...terminal, typed_config: { ...manager, http_filters } }] };
}

function resolved(filters: readonly ConfiguredFilter[], configs: ExtensionConfigs): ConfiguredFilter[] {
  return filters.map((filter) => {
    if (filter.config_discovery === undefined) return filter;
    const { name, config_discovery } = filter;
    return { name, typed_config: configFor(filter, configs) ?? config_discovery.default_config ?? MISSING };
  });
}

const MISSING: Any = { '@type': MISSING_CONFIG };

const isMissing = ({ typed_config }: ConfiguredFilter): boolean => typed_config === MISSING;

const NETWORK_RULES = 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC';
const HTTP_RULES = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';

function asHttp({ name, typed_config }: ConfiguredFilter): ConfiguredFilter {
  if (typed_config?.['@type'] !== NETWORK_RULES) return { name, ...(typed_config && { typed_config }) };
  const { stat_prefix, ...rules } = typed_config;
  return { name, typed_config: { ...rules, '@type': HTTP_RULES, rules_stat_prefix: stat_prefix } };
}

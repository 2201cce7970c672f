import {
  type Any,
  type ConfiguredFilter,
  extensionTypes,
  type FilterChain,
  type HttpConnectionManager,
  type Listener,
} from '#xds';

/** Configurations that the control plane serves by name (ECDS). */
export type ExtensionConfigs = ReadonlyMap<string, Any>;

/** The filters of a listener that ask for their configuration. */
const discovering = (listener: Listener): ConfiguredFilter[] =>
  chainsOf(listener)
    .flatMap(({ filters }) => [...filters, ...filters.flatMap((filter) => managerOf(filter)?.http_filters ?? [])])
    .filter(({ config_discovery }) => config_discovery !== undefined);

const namesOf = (filters: readonly ConfiguredFilter[]): string[] => [...new Set(filters.map(({ name }) => name))];

/** The names by which filters of a listener ask for their configuration. */
export const extensionNames = (listener: Listener): string[] => namesOf(discovering(listener));

/** Those of them that have none yet, or one of a type that the filter does not take. */
export const missingExtensions = (listener: Listener, configs: ExtensionConfigs): string[] =>
  namesOf(discovering(listener).filter((filter) => configFor(filter, configs) === undefined));

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

/** The listener with the configurations that its filters asked for; a filter whose configuration is not here yet is left out. */
export function withExtensions(listener: Listener, configs: ExtensionConfigs): Listener {
  return {
    ...listener,
    ...(listener.filter_chains && { filter_chains: listener.filter_chains.map((chain) => configured(chain, configs)) }),
    ...(listener.default_filter_chain && { default_filter_chain: configured(listener.default_filter_chain, configs) }),
  };
}

function configured(chain: FilterChain, configs: ExtensionConfigs): FilterChain {
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
  return filters.flatMap((filter) => {
    if (filter.config_discovery === undefined) return [filter];
    const typed_config = configFor(filter, configs);
    return typed_config === undefined ? [] : [{ name: filter.name, typed_config }];
  });
}

const NETWORK_RULES = 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC';
const HTTP_RULES = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';

function asHttp({ name, typed_config }: ConfiguredFilter): ConfiguredFilter {
  if (typed_config?.['@type'] !== NETWORK_RULES) return { name, ...(typed_config && { typed_config }) };
  const { stat_prefix, ...rules } = typed_config;
  return { name, typed_config: { ...rules, '@type': HTTP_RULES, rules_stat_prefix: stat_prefix } };
}

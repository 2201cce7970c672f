import type { Diagnostic } from '#domain';
import {
  type Any,
  type ConfiguredFilter,
  extensionTypes,
  type FilterChain,
  type HttpConnectionManager,
  type Listener,
} from '#xds';
import type { ChainKind, TrafficExtension } from '../snapshot/traffic-extensions.ts';
import { FILTER_TYPES } from './policy-filters.ts';

type ByName = ReadonlyMap<string, TrafficExtension>;

/**
 * What becomes of Wasm filters on proxies that connect: no module is fetched here, so they get at once what Istio's agent puts in the
 * place of a module that it cannot fetch: rules that let everything pass (FAIL_OPEN) or nothing. Listeners that wait for a module
 * would not serve at all. Source: pkg/wasm/convert.go in istio.
 */
export function withStandIns(
  listeners: readonly Listener[],
  extensions: readonly TrafficExtension[],
): readonly Listener[] {
  const modules: ByName = new Map(
    extensions.filter(({ spec }) => spec.wasm !== undefined).map((extension) => [extension.filterName, extension]),
  );
  if (modules.size === 0) return listeners;
  return listeners.map((listener) => ({
    ...listener,
    ...(listener.filter_chains && { filter_chains: listener.filter_chains.map((chain) => stoodIn(chain, modules)) }),
    ...(listener.default_filter_chain && { default_filter_chain: stoodIn(listener.default_filter_chain, modules) }),
  }));
}

/** Says once for each extension that its code is not run. */
export const moduleNotices = (extensions: readonly TrafficExtension[]): readonly Diagnostic[] =>
  extensions.map(({ kind, namespace, name, spec }) => ({
    code: 'MW0403',
    severity: 'warning',
    message: `${kind} ${namespace}/${name} is not run: proxies here ${instead(spec.wasm)}`,
    origin: { kind, namespace, name, path: 'spec' },
  }));

function instead(wasm: TrafficExtension['spec']['wasm']): string {
  if (wasm === undefined) return 'run no Lua code, and traffic passes without it';
  return `run no Wasm modules, and as after a failed download traffic ${failsOpen(wasm) ? 'passes' : 'is refused'}`;
}

const failsOpen = (wasm: TrafficExtension['spec']['wasm']): boolean => wasm?.failStrategy === 'FAIL_OPEN';

function stoodIn(chain: FilterChain, modules: ByName): FilterChain {
  const terminal = chain.filters.at(-1)?.typed_config;
  if (terminal?.['@type'] !== extensionTypes.httpConnectionManager) {
    return { ...chain, filters: chain.filters.map((filter) => standIn(filter, modules, 'network')) };
  }
  // In front of HTTP a refusal of the connection reads as one of its requests.
  const before = chain.filters.filter(({ name }) => modules.has(name));
  const manager = terminal as HttpConnectionManager;
  const typed_config: Any = {
    ...manager,
    http_filters: [...before, ...(manager.http_filters ?? [])].map((filter) => standIn(filter, modules, 'http')),
  };
  const others = chain.filters.slice(0, -1).filter((filter) => !before.includes(filter));
  const served: ConfiguredFilter[] = chain.filters.slice(-1).map((filter) => ({ ...filter, typed_config }));
  return { ...chain, filters: [...others, ...served] };
}

function standIn(filter: ConfiguredFilter, modules: ByName, kind: ChainKind): ConfiguredFilter {
  const extension = filter.config_discovery && modules.get(filter.name);
  if (extension === undefined) return filter;
  const opens = failsOpen(extension.spec.wasm);
  const prefix = `wasm-default-${opens ? 'allow' : 'deny'}`;
  const rules = opens ? {} : { rules: {} };
  const typed_config: Any =
    kind === 'http'
      ? { '@type': FILTER_TYPES.httpRbac, ...rules, rules_stat_prefix: prefix }
      : { '@type': FILTER_TYPES.networkRbac, ...rules, stat_prefix: prefix };
  return { name: filter.name, typed_config };
}

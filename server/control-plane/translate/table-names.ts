import type { HttpConnectionManager, Listener } from '#xds';

/** The route tables that listeners ask for. */
export function tableNames(listeners: readonly Listener[]): string[] {
  const names = new Set<string>();
  for (const { filter_chains = [], default_filter_chain } of listeners) {
    for (const { filters } of default_filter_chain ? [...filter_chains, default_filter_chain] : filter_chains) {
      for (const { typed_config } of filters) {
        const name = (typed_config as HttpConnectionManager | undefined)?.rds?.route_config_name;
        if (name !== undefined) names.add(name);
      }
    }
  }
  return [...names];
}

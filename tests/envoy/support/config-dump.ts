import { type Cluster, type TypeUrl, typeUrls } from '#xds';

/** Names of the resources that Envoy got by xDS: in force, still warming, and refused. */
export interface HeldResources {
  readonly active: Readonly<Record<'CDS' | 'LDS' | 'RDS' | 'EDS', readonly string[]>>;
  readonly warming: readonly string[];
  /** `<resource>: <Envoy's words>` */
  readonly refused: readonly string[];
}

type Section = Readonly<Record<string, readonly Record<string, unknown>[] | undefined>> & { readonly '@type': string };

/** Reads `/config_dump?include_eds`. Static resources, those of the bootstrap, are left out. */
export function heldResources(configDump: string): HeldResources {
  const { configs } = JSON.parse(configDump) as { configs: Section[] };
  const section = (kind: string): Section | undefined =>
    configs.find((config) => config['@type'].endsWith(`.${kind}ConfigDump`));
  const names = (kind: string, list: string, field: string, key = 'name'): string[] =>
    (section(kind)?.[list] ?? []).map((entry) => String((entry[field] as Record<string, unknown> | undefined)?.[key]));
  const listeners = section('Listeners')?.['dynamic_listeners'] ?? [];
  const state = (name: string): string[] => listeners.filter((each) => each[name]).map((each) => String(each['name']));
  const clusters = (section('Clusters')?.['dynamic_active_clusters'] ?? []).map((entry) => entry['cluster'] as Cluster);
  const clustersWithEds = new Set(clusters.filter(({ type }) => type === 'EDS').map(({ name }) => name));
  const errors = [...listeners, ...(section('Clusters')?.['dynamic_active_clusters'] ?? [])].flatMap((entry) => {
    const error = entry['error_state'] as { details?: string } | undefined;
    return error === undefined ? [] : [`${String(entry['name'])}: ${error.details}`];
  });
  return {
    active: {
      CDS: names('Clusters', 'dynamic_active_clusters', 'cluster').sort(),
      LDS: state('active_state').sort(),
      RDS: names('Routes', 'dynamic_route_configs', 'route_config').sort(),
      // Envoy lists every cluster of CDS here; those that do not ask for endpoints have none to show.
      EDS: names('Endpoints', 'dynamic_endpoint_configs', 'endpoint_config', 'cluster_name')
        .filter((name) => clustersWithEds.has(name))
        .sort(),
    },
    warming: [...names('Clusters', 'dynamic_warming_clusters', 'cluster'), ...state('warming_state')],
    refused: errors,
  };
}

/** One figure of `/stats`. */
export function stat(stats: string, name: string): number {
  const line = stats.split('\n').find((each) => each.startsWith(`${name}: `));
  if (line === undefined) throw new Error(`Envoy has no statistic ${name}`);
  return Number(line.slice(name.length + 2));
}

export const shortTypes: Readonly<Record<'CDS' | 'LDS' | 'RDS' | 'EDS', TypeUrl>> = {
  CDS: typeUrls.cluster,
  LDS: typeUrls.listener,
  RDS: typeUrls.route,
  EDS: typeUrls.endpoint,
};

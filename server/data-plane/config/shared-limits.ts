import type { Any } from '#xds';
import type { HttpFilterPlan } from './http-filter.ts';
import { ConfigProblem } from './problem.ts';
import type { RouteTable } from './route-table.ts';

const refuse = (field: string): never => {
  throw new ConfigProblem(field, 'local_cluster_rate_limit is set but no local cluster name is present');
};

/** Throws ConfigProblem for a filter whose limit is shared with a local cluster, in a proxy whose bootstrap names none. */
export function refuseSharedLimits(filters: readonly HttpFilterPlan[]): void {
  for (const filter of filters)
    if (filter.kind === 'local_ratelimit' && filter.config.sharedByCluster) refuse(`http_filters.${filter.name}`);
}

/** The same for what routes and virtual hosts say. */
export function refuseSharedLimitsOfRoutes({ virtualHosts }: RouteTable): void {
  for (const { routes } of virtualHosts)
    for (const { filterLevels } of routes)
      for (const level of filterLevels) for (const [name, given] of Object.entries(level)) refuseShared(name, given);
}

function refuseShared(name: string, given: Any): void {
  if (!given['@type'].endsWith('.local_ratelimit.v3.LocalRateLimit')) return;
  if (given['local_cluster_rate_limit'] !== undefined) refuse(`typed_per_filter_config.${name}`);
}

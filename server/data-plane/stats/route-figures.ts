import type { RouteTable } from '../config/route-table.ts';
import { declareBandwidthLimits } from './bandwidth-figures.ts';
import { type Stats, statusNames } from './stats.ts';

const NAMES = [
  'upstream_rq_retry',
  'upstream_rq_retry_limit_exceeded',
  'upstream_rq_retry_overflow',
  'upstream_rq_retry_success',
  'upstream_rq_timeout',
  'upstream_rq_total',
] as const;

export type RouteFigure = (typeof NAMES)[number];

/** Shows those of a table from its start. */
export function declareRouteFigures(stats: Stats, { virtualHosts }: RouteTable): void {
  for (const host of virtualHosts) {
    const { name, routes, virtualClusters } = host;
    declareBandwidthLimits(stats, host);
    const groups = virtualClusters.length === 0 ? [] : [...virtualClusters.map((group) => group.name), 'other'];
    for (const group of groups) stats.declare(`vhost.${name}.vcluster.${group}.`, NAMES);
    for (const { statPrefix } of routes)
      if (statPrefix !== '') stats.declare(`vhost.${name}.route.${statPrefix}.`, NAMES);
  }
}

/**
 * The figures of the virtual cluster and of the route that a request belongs to: `vhost.<host>.vcluster.<name>.` and
 * `vhost.<host>.route.<stat_prefix>.` (Envoy: source/common/http/codes.cc).
 */
export class RouteFigures {
  readonly #stats: Stats;
  readonly #prefixes: readonly string[];

  constructor(stats: Stats, prefixes: readonly string[]) {
    this.#stats = stats;
    this.#prefixes = prefixes;
    for (const prefix of prefixes) stats.declare(prefix, NAMES);
  }

  count(name: RouteFigure): void {
    for (const prefix of this.#prefixes) this.#stats.stat(prefix + name).value++;
  }

  /** An answer of a host, or one in its place. */
  code(status: number): void {
    for (const prefix of this.#prefixes)
      for (const name of statusNames(status)) this.#stats.stat(prefix + name).value++;
  }

  /** The answer is complete, so long after the request was. */
  answered(ms: number): void {
    for (const prefix of this.#prefixes) this.#stats.histogram(`${prefix}upstream_rq_time`).record(ms);
  }
}

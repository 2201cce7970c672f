import type { Any } from '#xds';
import { checkFilter } from './filter-bounds.ts';
import { checkPerRoute } from './per-route-check.ts';
import { within } from './problem.ts';

/** What routes give single filters, by filter name. */
export type PerFilter = Readonly<Record<string, Any>>;

/** Filters that a route switches on or off, by filter name. */
export type FilterSwitches = ReadonlyMap<string, boolean>;

const WRAPPER = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';

/**
 * Joins what a table, a virtual host and a route give to filters, the most specific last. A FilterConfig is a wrapper: it switches a filter off,
 * or holds its configuration. Any configuration switches on a filter that its listener has switched off.
 */
export function readPerFilter(levels: readonly (PerFilter | undefined)[]): {
  readonly perFilter: PerFilter | undefined;
  /** The same level by level, the most specific last; for filters that join them. */
  readonly filterLevels: readonly PerFilter[];
  readonly switches: FilterSwitches | undefined;
} {
  const given = levels.filter((level) => level !== undefined);
  if (given.length === 0) return { perFilter: undefined, filterLevels: [], switches: undefined };
  const perFilter: Record<string, Any> = {};
  const switches = new Map<string, boolean>();
  const filterLevels = given.map((level): Record<string, Any> => {
    const own: Record<string, Any> = {};
    for (const [name, config] of Object.entries(level)) {
      const wrapped = config['@type'] === WRAPPER;
      switches.set(name, !(wrapped && config['disabled'] === true));
      const inner = wrapped ? (config['config'] as Any | undefined) : config;
      if (inner === undefined) continue;
      within(`typed_per_filter_config[${name}]`, () => {
        checkFilter(inner);
        checkPerRoute(inner);
      });
      own[name] = inner;
    }
    Object.assign(perFilter, own);
    return own;
  });
  return { perFilter, filterLevels, switches };
}

import type { Any } from '#xds';
import { checkPerRoute } from './per-route-check.ts';
import { ConfigProblem, within } from './problem.ts';

/** What routes give single filters, by filter name. */
export type PerFilter = Readonly<Record<string, Any>>;

/** Filters that a route switches on or off, by filter name. */
export type FilterSwitches = ReadonlyMap<string, boolean>;

const WRAPPER = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';

/** What a FilterConfig holds; anything else as it is. */
export const unwrapped = (given: Any | undefined): Any | undefined =>
  given?.['@type'] === WRAPPER ? (given['config'] as Any | undefined) : given;

/** A configuration of another type says nothing to the filter. `type`: without the part that all filters share. */
export const ofType = (given: Any | undefined, type: string): Any | undefined =>
  given?.['@type'].endsWith(`.${type}`) === true ? given : undefined;

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
      switches.set(name, !(config['@type'] === WRAPPER && config['disabled'] === true));
      const inner = unwrapped(config);
      // A FilterConfig may hold a configuration of no type, which says nothing.
      if (inner !== undefined && !Object.hasOwn(inner, '@type')) continue;
      within('typed_per_filter_config', () => checkGiven(name, config, inner));
      if (inner === undefined) continue;
      own[name] = inner;
    }
    Object.assign(perFilter, own);
    return own;
  });
  return { perFilter, filterLevels, switches };
}

/** What is optional may be of a kind that is not known. */
function checkGiven(name: string, config: Any, inner: Any | undefined): void {
  if (inner === undefined) {
    if (config['disabled'] === true) return;
    throw new ConfigProblem(name, `Empty route/virtual host per filter configuration for ${name} filter`);
  }
  if (config['is_optional'] === true && !inner['@type'].includes('/envoy.extensions.filters.http.')) return;
  checkPerRoute(name, inner);
}

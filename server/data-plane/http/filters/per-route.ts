import type { Any } from '#xds';
import type { PerFilter } from '../../config/filter-overrides.ts';
import type { Exchange } from '../exchange.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';

/** Under which name routes speak to a filter, and the type of what they say, without the part that all filters share. */
export interface RouteWords {
  readonly name: string;
  readonly type: string;
}

/**
 * The configuration that the destination, the route, its virtual host or its table gives a filter, the nearest one. As in Envoy, one of another
 * type says nothing to the filter.
 */
export function perRouteConfig({ route, share }: Exchange, { name, type }: RouteWords): Any | undefined {
  const given = share?.perFilter?.[name] ?? route?.perFilter?.[name];
  return given === undefined || isOf(given, type) ? given : undefined;
}

/** What all levels give, the most specific last: for filters that join them. */
export const levelsOf = ({ route, share }: Exchange): readonly PerFilter[] =>
  share?.perFilter === undefined ? (route?.filterLevels ?? []) : [...(route?.filterLevels ?? []), share.perFilter];

/** Whether a configuration is of the type, which stands without the part that all filters share. */
export const isOf = (given: Any, type: string): boolean =>
  given['@type'].length === TYPE.length + type.length && given['@type'].endsWith(type);

/** As `perRouteConfig`, read once for each configuration; `own` where there is none. */
export function perRoute<Config>(
  words: RouteWords,
  own: Config,
  read: (given: Any) => Config,
): (exchange: Exchange) => Config {
  const known = new WeakMap<Any, Config>();
  return (exchange) => {
    const given = perRouteConfig(exchange, words);
    if (given === undefined) return own;
    const held = known.get(given) ?? read(given);
    known.set(given, held);
    return held;
  };
}

import type { Any } from '#xds';
import type { Exchange } from '../exchange.ts';

/** The configuration that the destination, the route, its virtual host or its table gives a filter, the nearest one. */
export const perRouteConfig = ({ route, share }: Exchange, filter: string): Any | undefined =>
  share?.perFilter?.[filter] ?? route?.perFilter?.[filter];

/** As `perRouteConfig`, read once for each configuration; `own` where there is none. */
export function perRoute<Config>(
  filter: string,
  own: Config,
  read: (given: Any) => Config,
): (exchange: Exchange) => Config {
  const known = new WeakMap<Any, Config>();
  return (exchange) => {
    const given = perRouteConfig(exchange, filter);
    if (given === undefined) return own;
    const held = known.get(given) ?? read(given);
    known.set(given, held);
    return held;
  };
}

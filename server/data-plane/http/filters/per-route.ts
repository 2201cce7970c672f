import type { Any } from '#xds';
import type { Exchange } from '../exchange.ts';

/** The configuration that a route, its virtual host or its table gives a filter, the nearest one; undefined where none does. */
export function perRouteConfig({ route, virtualHost, table }: Exchange, filter: string): Any | undefined {
  return (
    route?.perFilter?.[filter] ?? virtualHost?.perFilter?.[filter] ?? table?.resource.typed_per_filter_config?.[filter]
  );
}

import { AlternativeFigures } from '../../stats/alternative-figures.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';

/**
 * What a client from within wishes by headers, which no host sees: 204 in the place of 504, and a name under which the cluster counts its
 * request, too. Source: Filter::decodeHeaders of the router in Envoy.
 */
export function takeWishes(exchange: Exchange, cluster: UpstreamCluster): void {
  const { head, runtime } = exchange;
  if (take(head.headers, 'x-envoy-upstream-rq-timeout-alt-response') !== undefined) exchange.timeoutStatus = 204;
  const name = take(head.headers, 'x-envoy-upstream-alt-stat-name');
  if (name !== undefined)
    exchange.alternativeFigures = new AlternativeFigures(runtime.stats, cluster.stats.prefix, name);
}

function take(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  if (value !== undefined) headers.remove(name);
  return value;
}

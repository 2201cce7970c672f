import { splitPath } from '../../config/route-condition.ts';
import type { CompiledRoute, CompiledVirtualHost } from '../../config/route-table.ts';
import { RouteFigures } from '../../stats/route-figures.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Exchange } from '../exchange.ts';
import { isGrpc } from '../grpc.ts';

/** Under what a request counts besides its cluster; undefined: under nothing. */
export function figuresOf(exchange: Exchange, route: CompiledRoute): RouteFigures | undefined {
  const { runtime, virtualHost } = exchange;
  if (virtualHost === undefined || (route.statPrefix === '' && virtualHost.virtualClusters.length === 0))
    return undefined;
  const own = `vhost.${virtualHost.name}.`;
  const group = virtualClusterOf(exchange, virtualHost);
  exchange.info.virtualCluster = group === undefined || group === 'other' ? '' : group;
  return new RouteFigures(runtime.stats, [
    ...(group === undefined ? [] : [`${own}vcluster.${group}.`]),
    ...(route.statPrefix === '' ? [] : [`${own}route.${route.statPrefix}.`]),
  ]);
}

/** The first whose conditions hold; what belongs to none counts as `other`. */
function virtualClusterOf(exchange: Exchange, { virtualClusters }: CompiledVirtualHost): string | undefined {
  if (virtualClusters.length === 0) return undefined;
  const subject = splitPath(exchange.head);
  const found = virtualClusters.find(({ conditions }) => conditions.every((holds) => holds(subject) === undefined));
  return found?.name ?? 'other';
}

/** Counts an answer of the cluster, or one in its place. */
export function countAnswer(exchange: Exchange, cluster: UpstreamCluster, status: number): void {
  const { countsAnswers, countsGrpcStatuses } = exchange.config;
  if (exchange.uncounted || !countsAnswers) return;
  if (countsGrpcStatuses || !isGrpc(exchange.head.headers)) cluster.stats.code(status, exchange.origin);
  else cluster.stats.completed(status, exchange.origin);
  exchange.routeFigures?.code(status);
  exchange.alternativeFigures?.code(status, exchange.origin);
}

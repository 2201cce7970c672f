import { parseClusterName } from '#domain';
import { originOf } from '../../config/origins.ts';
import type { ClusterShare, CompiledRoute, ForwardAction } from '../../config/route-table.ts';
import type { RuntimeValues } from '../../runtime-values.ts';
import type { Exchange } from '../exchange.ts';
import { hashRequest } from './request-hash.ts';

/**
 * Draws a number below the sum of weights; the cluster whose range holds it wins. As in Envoy the draw belongs to the choice of the
 * route, so that a fault that answers later is still counted against a cluster.
 */
export function chooseShare(exchange: Exchange, route: CompiledRoute, action: ForwardAction): ClusterShare {
  if (action.shares.length === 1) return named(action.shares[0]!, exchange);
  const { shares, totalWeight } = weighed(action, exchange.runtime.values);
  const only = shares[0]!;
  const draw = drawOf(exchange, action, totalWeight);
  let from = 0;
  for (const [place, share] of shares.entries()) {
    const to = from + share.weight;
    if (draw >= to) {
      from = to;
      continue;
    }
    const begin = from;
    exchange.steps.add('weight', 'chosen', share.cluster, () => ({
      detail: `drew ${draw} of ${totalWeight}, so ${shortName(share.cluster)}`,
      origin: originOf(route.origins, `weighted_clusters.${place}`),
      rejected: otherShares(shares, place),
      evidence: { draw, total: totalWeight, from: begin, to, weight: share.weight },
    }));
    return named(share, exchange);
  }
  return named(only, exchange);
}

/** Weights as the runtime has them at this moment, where the route names keys for them. */
function weighed(action: ForwardAction, values: RuntimeValues): Pick<ForwardAction, 'shares' | 'totalWeight'> {
  const { weightKey } = action;
  if (weightKey === '') return action;
  const shares = action.shares.map((share) => ({
    ...share,
    weight: values.whole(`${weightKey}.${share.cluster}`, share.weight),
  }));
  const totalWeight = shares.reduce((sum, { weight }) => sum + weight, 0);
  return totalWeight === 0 ? action : { shares, totalWeight };
}

/** The number that chooses: a header's, the request's hash, or one that is drawn. Source: WeightedClusterSpecifierPlugin in Envoy. */
function drawOf(
  exchange: Exchange,
  { drawHeader, drawsByHash, hashPolicies }: ForwardAction,
  totalWeight: number,
): number {
  if (drawHeader !== '') {
    const [given, second] = exchange.head.headers.all(drawHeader);
    if (given !== undefined && second === undefined && /^\d{1,20}$/.test(given)) {
      return Number(BigInt(given) % BigInt(totalWeight));
    }
  }
  const hash = drawsByHash ? hashRequest(exchange, hashPolicies) : undefined;
  if (hash !== undefined) return Number(hash % BigInt(totalWeight));
  return exchange.runtime.chance.draws.below('weight', exchange.traceKey, totalWeight);
}

/** A destination whose cluster the request names; a request that does not has none. */
const named = (share: ClusterShare, { head }: Exchange): ClusterShare =>
  share.clusterHeader === '' ? share : { ...share, cluster: head.headers.get(share.clusterHeader) ?? '' };

function otherShares(shares: readonly ClusterShare[], chosen: number): { name: string; reason: string }[] {
  let from = 0;
  const others: { name: string; reason: string }[] = [];
  for (const [place, share] of shares.entries()) {
    const to = from + share.weight;
    if (place !== chosen) others.push({ name: share.cluster, reason: `has the numbers ${from} to ${to - 1}` });
    from = to;
  }
  return others;
}

/** The subset where there is one, else the host: `v2`, `reviews.default.svc.cluster.local`. */
export function shortName(cluster: string): string {
  const parts = parseClusterName(cluster);
  return parts?.subset || parts?.host || cluster;
}

import { type Fraction, inPercent } from '../../config/values.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Exchange } from '../exchange.ts';

/** Answers 503 for the share of requests that the control plane wants to be dropped. Source: checkDropOverload in router.cc. */
export function dropOverload(exchange: Exchange, cluster: UpstreamCluster, share: Fraction): boolean {
  const all = share.numerator === share.of;
  const draw = exchange.runtime.chance.draws.below('drop', exchange.span.traceId, share.of);
  if (!all && draw >= share.numerator) return false;
  exchange.steps.add('cluster', 'stopped', cluster.config.name, () => ({
    detail: `the control plane wants ${inPercent(share)} % of the requests to be dropped`,
    evidence: { draw, numerator: share.numerator, of: share.of },
  }));
  cluster.stats.code(503, exchange.origin);
  const name = all ? 'x-envoy-unconditional-drop-overload' : 'x-envoy-drop-overload';
  exchange.reply({
    status: 503,
    flag: all ? 'UDO' : 'DO',
    details: all ? 'unconditional_drop_overload' : 'drop_overload',
    body: all ? 'unconditional drop overload' : 'drop overload',
    ...(!exchange.config.hidesEnvoyHeaders && { headers: { [name]: 'true' } }),
  });
  return true;
}

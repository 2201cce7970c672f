import { type Fraction, inPercent, NEVER } from '../../config/values.ts';
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

/** Answers 503 for the share of requests that the runtime keeps from a cluster. Source: ClusterInfo::maintenanceMode in Envoy. */
export function underMaintenance(exchange: Exchange, cluster: UpstreamCluster): boolean {
  const { chance, values } = exchange.runtime;
  const runtimeKey = `upstream.maintenance_mode.${cluster.config.name}`;
  const share = values.share(NEVER, runtimeKey);
  if (share === NEVER) return false;
  const draw = chance.draws.below('drop', exchange.span.traceId, share.of);
  if (draw >= share.numerator) return false;
  exchange.steps.add('cluster', 'stopped', cluster.config.name, () => ({
    detail: `the runtime keeps ${inPercent(share)} % of the requests from this cluster: ${runtimeKey}`,
    evidence: { draw, numerator: share.numerator, of: share.of },
  }));
  cluster.stats.code(503, exchange.origin);
  cluster.stats.count('upstream_rq_maintenance_mode');
  exchange.reply({
    status: 503,
    flag: 'UO',
    details: 'maintenance_mode',
    body: 'maintenance mode',
    ...(!exchange.config.hidesEnvoyHeaders && { headers: { 'x-envoy-overloaded': 'true' } }),
  });
  return true;
}

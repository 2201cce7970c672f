import type { TcpFilterConfig, TcpShare } from '../config/network-filter.ts';
import type { HopSteps } from '../decisions/hop-steps.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';

export interface ShareOptions {
  readonly config: TcpFilterConfig;
  readonly context: ConnectionContext;
  readonly runtime: ProxyRuntime;
  readonly steps: HopSteps;
}

/** The cluster of a connection: the one that its client names, where a filter before this one says so, else one that is drawn by the weights. */
export function chooseShare({ config, context, runtime, steps }: ShareOptions): TcpShare {
  const name = context.requestedServerName;
  if (config.clusterBySni && name !== '') return { cluster: name, weight: 1, criteria: undefined };
  const { shares, totalWeight } = config;
  if (shares.length === 1) return shares[0]!;
  const draw = runtime.chance.weights.below(totalWeight);
  let from = 0;
  for (const share of shares) {
    const [begin, to] = [from, from + share.weight];
    from = to;
    if (draw >= to) continue;
    steps.add('weight', 'chosen', share.cluster, () => ({
      detail: `drew ${draw} of ${totalWeight}`,
      evidence: { draw, total: totalWeight, from: begin, to, weight: share.weight },
    }));
    return share;
  }
  return shares[0]!;
}

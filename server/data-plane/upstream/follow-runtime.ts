import type { RuntimeValues } from '../runtime-values.ts';
import type { UpstreamCluster } from './cluster.ts';
import { setLimits } from './runtime-limits.ts';
import { outlierPolicyNow } from './runtime-outlier-policy.ts';

/** The runtime has other values: a cluster's breakers and its outlier detection go by them from now on. */
export function followRuntime(cluster: UpstreamCluster, values: RuntimeValues): void {
  setLimits(cluster, values);
  const { outlier } = cluster.config;
  if (outlier !== undefined) cluster.outlier?.follow(outlierPolicyNow(outlier, values));
}

import type { MeshEdge } from '#contract';
import { isUnheard } from './refused.ts';

/** What arrives at a workload, summed over its callers. */
export interface Load {
  rps: number;
  p50: number;
  errorShare: number;
}

export function loadOf(id: string, edges: readonly MeshEdge[]): Load | undefined {
  const inbound = edges.filter((edge) => edge.to === id && !isUnheard(edge));
  if (inbound.length === 0) return undefined;
  const rps = inbound.reduce((sum, edge) => sum + edge.rps, 0);
  const weighted = (pick: (edge: MeshEdge) => number): number =>
    rps === 0 ? 0 : inbound.reduce((sum, edge) => sum + pick(edge) * edge.rps, 0) / rps;
  return { rps, p50: weighted((edge) => edge.p50), errorShare: weighted((edge) => edge.errorShare) };
}

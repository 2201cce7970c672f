import type { FilterChain, HttpConnectionManager } from '#xds';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import type { PolicySubject } from '../snapshot/policy-target.ts';

/** The filters that enforce the policies of one workload. */
export interface WorkloadPolicies {
  /** Before all other HTTP filters, in their order. */
  readonly http: NonNullable<HttpConnectionManager['http_filters']>;
  /** Before the TCP proxy of chains that read no HTTP. */
  readonly network: FilterChain['filters'];
}

/** For proxies that enforce nothing, such as the outbound side of a sidecar. */
export const NO_POLICIES: WorkloadPolicies = { http: [], network: [] };

/** What the workload demands of its clients, beyond mTLS. */
export function workloadPolicies(_snapshot: MeshSnapshot, _subject: PolicySubject): WorkloadPolicies {
  return NO_POLICIES;
}

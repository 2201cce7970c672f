import type { FilterChain, HttpConnectionManager } from '#xds';
import { authorizationPoliciesFor } from '../../snapshot/authorization-policies.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import type { PolicySubject } from '../../snapshot/policy-target.ts';
import { jwtRulesFor } from '../../snapshot/request-authentications.ts';
import { authorizationFilters } from '../authorization/index.ts';
import { jwtFilter } from '../jwt/jwt-authn.ts';
import { type TokenOrigins, tokenOrigins } from '../jwt/token-origins.ts';

/** The filters that enforce the policies of one workload. */
export interface WorkloadPolicies {
  /** Before all other HTTP filters, in their order. */
  readonly http: NonNullable<HttpConnectionManager['http_filters']>;
  /** Before the TCP proxy of chains that read no HTTP. */
  readonly network: FilterChain['filters'];
  /** The rules behind what verifies tokens. */
  readonly tokens: TokenOrigins;
}

/** What the workload demands of its clients, beyond mTLS. */
export function workloadPolicies(
  snapshot: MeshSnapshot,
  subject: PolicySubject & { readonly role: 'sidecar' | 'router' | 'grpc' },
): WorkloadPolicies {
  const { rootNamespace } = snapshot.mesh;
  const policies = authorizationPoliciesFor(snapshot.authorizationPolicies, subject, rootNamespace);
  const rules = jwtRulesFor(snapshot.requestAuthentications, subject, rootNamespace);
  const jwt = jwtFilter({
    rules,
    keys: new Map(),
    clearRouteCache: subject.role !== 'sidecar',
  });
  const http = authorizationFilters(snapshot, policies, false);
  const network = authorizationFilters(snapshot, policies, true);
  return {
    // An external authorizer comes before the tokens are verified: it may hand out the token.
    http: [...http.custom, ...(jwt === undefined ? [] : [jwt]), ...http.local],
    network: [...network.custom, ...network.local],
    tokens: tokenOrigins(rules),
  };
}

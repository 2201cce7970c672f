import { extensionTypes, type FilterChain, type HttpConnectionManager, type Listener } from '#xds';
import { authorizationPoliciesFor } from '../../snapshot/authorization-policies.ts';
import { workloadTls } from '../../snapshot/peer-authentications.ts';
import { rbacConfig, rbacRules } from '../authorization/rbac.ts';
import { meshTrustDomains } from '../authorization/trust-domains.ts';
import { FILTER_TYPES, POLICY_FILTERS } from '../http-filters/policy-filters.ts';
import { firstByPort } from '../inbound-ports.ts';
import { ROUTER_FILTER } from '../listeners/http-connection-manager.ts';
import { listenAddress } from '../listeners/listener-filters.ts';
import type { ProxyView } from '../proxy-view.ts';
import type { OutboundScope } from '../scope.ts';
import { grpcServerTls } from './tls.ts';

type HttpFilters = NonNullable<HttpConnectionManager['http_filters']>;

/** What a gRPC server asks for begins so; the address that it binds follows. Source: ServerListenerNamePrefix in Istio's agent. */
const NAME_PREFIX = 'xds.istio.io/grpc/lds/inbound/';
/** The injector's mark on pods that take mTLS. */
const TLS_MODE_LABEL = 'security.istio.io/tlsMode';

/**
 * What gRPC's own xDS server understands: for each port of the workload's services a listener for each address that the server may bind,
 * with mTLS as PeerAuthentications say, and the DENY and ALLOW policies. gRPC takes no PERMISSIVE port: to a workload with the injector's
 * mark clients come by mTLS, so it is STRICT there, and plaintext elsewhere. Sources: gRFC A36, A41; buildInboundListeners in istio pilot
 * grpcgen. Unlike there, a policy without rules allows nothing, as in sidecars.
 */
export function grpcServerListeners(scope: OutboundScope, proxy: ProxyView): Listener[] {
  const { snapshot } = scope;
  const modes = workloadTls(snapshot.peerAuthentications, proxy, snapshot.mesh.rootNamespace);
  const policies = policyFilters(scope, proxy);
  const marked = proxy.labels[TLS_MODE_LABEL] === 'istio';
  return firstByPort(proxy.targets).flatMap(({ targetPort }) => {
    const { mode } = modes.forPort(targetPort);
    const chain = serverChain(policies, mode === 'STRICT' || (mode === 'PERMISSIVE' && marked));
    return bindings(proxy.ip).map((host) => ({
      name: `${NAME_PREFIX}${host.includes(':') ? `[${host}]` : host}:${targetPort}`,
      address: listenAddress(host, targetPort),
      filter_chains: [chain],
    }));
  });
}

const bindings = (ip: string): string[] => ['0.0.0.0', '::', ...(ip === '' ? [] : [ip])];

function serverChain(policies: HttpFilters, mutualTls: boolean): FilterChain {
  const kind = mutualTls ? 'mtls' : 'plaintext';
  const manager: HttpConnectionManager = {
    '@type': extensionTypes.httpConnectionManager,
    stat_prefix: 'inbound',
    route_config: {
      name: 'inbound',
      virtual_hosts: [
        { name: 'inbound', domains: ['*'], routes: [{ match: { prefix: '/' }, non_forwarding_action: {} }] },
      ],
    },
    http_filters: [...policies, ROUTER_FILTER],
  };
  return {
    name: `inbound-${kind}`,
    filters: [{ name: `inbound-hcm-${kind}`, typed_config: manager }],
    ...(mutualTls && { transport_socket: grpcServerTls() }),
  };
}

/** gRPC knows rules that allow and rules that deny; what is only tried (`dry-run`) is nothing to it. */
function policyFilters({ snapshot }: OutboundScope, proxy: ProxyView): HttpFilters {
  const policies = authorizationPoliciesFor(snapshot.authorizationPolicies, proxy, snapshot.mesh.rootNamespace);
  const trustDomains = meshTrustDomains(snapshot.mesh);
  const filter = (name: string, list: 'deny' | 'allow', action: 'DENY' | 'ALLOW'): HttpFilters => {
    const { enforced } = rbacRules({ policies: policies[list], action, forTcp: false, trustDomains, prefix: '' });
    if (enforced === undefined) return [];
    return [{ name, typed_config: rbacConfig(FILTER_TYPES.httpRbac, { enforced, shadow: undefined }) }];
  };
  return [
    ...filter(`${POLICY_FILTERS.httpRbac}.DENY`, 'deny', 'DENY'),
    ...filter(POLICY_FILTERS.httpRbac, 'allow', 'ALLOW'),
  ];
}

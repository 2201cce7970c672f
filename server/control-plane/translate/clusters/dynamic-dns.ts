import type { Any, FilterChain, HttpConnectionManager } from '#xds';
import { isWildcard } from '../../snapshot/hosts.ts';
import type { Service } from '../../snapshot/services.ts';
import type { IstioCluster } from '../envoy-types.ts';
import { workloadPolicies } from '../http-filters/workload-policies.ts';
import type { OutboundScope } from '../scope.ts';

const TYPES = 'type.googleapis.com/envoy.extensions';

/** Where requests for hosts that nobody declared are looked up, in a mesh whose policy is ALLOW_ANY_DYNAMIC_DNS. */
export const ANY_HOST_CLUSTER = 'AllowAnyDynamicDNSCluster';

const anyHostCache = ({ local }: OutboundScope): object => ({
  name: 'allow_any_dfp_dns_cache',
  dns_lookup_family: local.lookups,
  max_hosts: 1024,
});

/** Whether clients look the host up that they ask for: a wildcard whose ServiceEntry says DYNAMIC_DNS. */
export const isDynamic = ({ hostname, resolution }: Pick<Service, 'hostname' | 'resolution'>): boolean =>
  resolution === 'DynamicDNS' && isWildcard(hostname);

/** Whether a scope's clients look up hosts that nobody declared; the lab's own proxies pass them on by address instead. */
export const looksUpAnyHost = ({ outboundPolicy, istioProxy }: OutboundScope): boolean =>
  istioProxy && outboundPolicy.mode === 'ALLOW_ANY_DYNAMIC_DNS';

const cacheOf = ({ local }: OutboundScope, hostname: string): Record<string, unknown> => ({
  name: `${hostname}_dfp_dns_cache`,
  dns_lookup_family: local.lookups,
});

type ClusterType = Required<Pick<IstioCluster, 'cluster_type' | 'lb_policy'>>;

const lookupCluster = (dns_cache_config: object, insecure: boolean): ClusterType => ({
  lb_policy: 'CLUSTER_PROVIDED',
  cluster_type: {
    name: 'envoy.clusters.dynamic_forward_proxy',
    typed_config: {
      '@type': `${TYPES}.clusters.dynamic_forward_proxy.v3.ClusterConfig`,
      dns_cache_config,
      ...(insecure && { allow_insecure_cluster_options: true }),
    },
  },
});

/** The cluster of a dynamic service. `insecure`: its TLS checks no names, which Envoy must be told that it may. */
export const dynamicCluster = (
  scope: OutboundScope,
  hostname: string,
  { insecure }: { readonly insecure: boolean },
): ClusterType => lookupCluster(cacheOf(scope, hostname), insecure);

/** The cluster behind `ANY_HOST_CLUSTER`. */
export const anyHostCluster = (scope: OutboundScope): ClusterType => lookupCluster(anyHostCache(scope), true);

type HttpFilter = NonNullable<HttpConnectionManager['http_filters']>[number];

const lookupFilter = (dns_cache_config: object): HttpFilter => ({
  name: 'envoy.filters.http.dynamic_forward_proxy',
  typed_config: {
    '@type': `${TYPES}.filters.http.dynamic_forward_proxy.v3.FilterConfig`,
    dns_cache_config,
  } as Any,
});

/** What a sidecar's HTTP listener needs before routing, so that hosts are looked up by their names. */
export function lookupFilters(scope: OutboundScope, service?: Service): HttpFilter[] {
  const own = service !== undefined && isDynamic(service) && scope.istioProxy && scope.role === 'sidecar';
  return [
    ...(own ? [lookupFilter(cacheOf(scope, service.hostname))] : []),
    ...(looksUpAnyHost(scope) ? [lookupFilter(anyHostCache(scope))] : []),
  ];
}

/** Looks up the server name of a TLS connection. */
export const SNI_LOOKUP = 'envoy.extensions.filters.network.sni_dynamic_forward_proxy';

/** Istio has policies stand before it: those of the proxy itself and of the service's namespace. Source: buildCompleteNetworkFilters in istio pilot. */
export function sniLookupFilters(scope: OutboundScope, service: Service, port: number): FilterChain['filters'] {
  const { istioProxy, role, snapshot, namespace, client } = scope;
  if (!isDynamic(service) || !istioProxy || role !== 'sidecar') return [];
  return [
    ...workloadPolicies(snapshot, { role, namespace, labels: client.labels, serviceNamespace: service.namespace })
      .network,
    {
      name: SNI_LOOKUP,
      typed_config: {
        '@type': `${TYPES}.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig`,
        dns_cache_config: cacheOf(scope, service.hostname),
        port_value: port,
      } as Any,
    },
  ];
}

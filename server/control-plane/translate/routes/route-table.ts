import type { RouteConfiguration, VirtualHost } from '#xds';
import { ANY_HOST_CLUSTER, looksUpAnyHost } from '../clusters/dynamic-dns.ts';
import { type IstioRouteAction, NO_TIMEOUT } from '../envoy-types.ts';
import { fallthroughCluster } from '../listeners/tcp-proxy.ts';
import { countsAttempts, keepsHost } from '../proxy-headers.ts';
import type { OutboundScope } from '../scope.ts';

/** Envoy's limit is 4 KiB; Istio lifts it to what its webhook accepts. */
export const MAX_DIRECT_RESPONSE_BYTES = 1_048_576;

/** A table of a sidecar's outbound side. */
export const routeConfig = (name: string, virtual_hosts: VirtualHost[]): RouteConfiguration => ({
  name,
  virtual_hosts,
  validate_clusters: false,
  max_direct_response_body_size_bytes: MAX_DIRECT_RESPONSE_BYTES,
  ignore_port_in_host_matching: true,
});

/** What happens to hosts that nobody declared: passed on as they are, or refused with 502. */
export function catchAllVirtualHost(scope: OutboundScope): VirtualHost {
  const { outboundPolicy, snapshot } = scope;
  const passes = outboundPolicy.mode !== 'REGISTRY_ONLY';
  const looksUp = looksUpAnyHost(scope);
  const name = looksUp ? 'allow_any_dynamic_dns' : passes ? 'allow_any' : 'block_all';
  const action: IstioRouteAction = {
    cluster: looksUp ? ANY_HOST_CLUSTER : fallthroughCluster(outboundPolicy),
    timeout: NO_TIMEOUT,
    max_grpc_timeout: NO_TIMEOUT,
    ...(keepsHost(snapshot.mesh) && { append_x_forwarded_host: true }),
  };
  return {
    name,
    domains: ['*'],
    routes: [
      {
        name,
        match: { prefix: '/' },
        ...(passes ? { route: action } : { direct_response: { status: 502 } }),
      },
    ],
    ...(countsAttempts(snapshot.mesh) && { include_request_attempt_count: true }),
  };
}

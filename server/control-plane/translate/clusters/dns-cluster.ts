import { protoDuration } from '../durations.ts';
import type { IstioCluster } from '../envoy-types.ts';
import type { OutboundScope } from '../scope.ts';

/** How a proxy looks names up: over the family of its own address, as long as the answer says, but no longer than the mesh's refresh rate. */
export const dnsFields = ({ snapshot, local }: OutboundScope): Partial<IstioCluster> => ({
  dns_lookup_family: local.lookups,
  dns_refresh_rate: protoDuration(snapshot.mesh.dnsRefreshRate ?? '60s'),
  dns_jitter: '0.100s',
  respect_dns_ttl: true,
  typed_dns_resolver_config: {
    name: 'envoy.network.dns_resolver.cares',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
      udp_max_queries: 100,
    },
  },
});

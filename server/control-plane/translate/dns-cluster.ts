import type { MeshConfig } from '../doors.ts';
import { protoDuration } from './durations.ts';
import type { IstioCluster } from './envoy-types.ts';

/** How a proxy looks names up: over IPv4, as long as the answer says, but no longer than the mesh's refresh rate. */
export const dnsFields = ({ dnsRefreshRate }: MeshConfig): Partial<IstioCluster> => ({
  dns_lookup_family: 'V4_ONLY',
  dns_refresh_rate: protoDuration(dnsRefreshRate ?? '60s'),
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

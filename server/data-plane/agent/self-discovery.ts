import type { Cluster } from '#xds';
import type { BootstrapSettings } from '../doors.ts';

/** The cluster that a proxy belongs to where ISTIO_META_ENABLE_SELF_DISCOVERY is set; istiod gives it its endpoints. */
const LOCAL_CLUSTER = 'local_cluster';

/** Settings of Istio's agent by which the proxy belongs to a cluster: absent unless its environment asks for it. */
export function selfDiscovery(
  environment: Readonly<Record<string, string>>,
  { locality }: Pick<BootstrapSettings, 'locality'>,
): Pick<BootstrapSettings, 'localCluster' | 'staticClusters'> {
  if (!/^(?:1|t|T|TRUE|true|True)$/.test(environment['ISTIO_META_ENABLE_SELF_DISCOVERY'] ?? '')) return {};
  return { localCluster: { name: LOCAL_CLUSTER, ...locality }, staticClusters: [LOCAL] };
}

/** Source: `enable_self_discovery` in tools/packaging/common/envoy_bootstrap.json of istio. */
const LOCAL: Cluster = {
  name: LOCAL_CLUSTER,
  alt_stat_name: `${LOCAL_CLUSTER};`,
  type: 'EDS',
  connect_timeout: '1s',
  load_balancing_policy: {
    policies: [
      {
        typed_extension_config: {
          name: 'envoy.load_balancing_policies.least_request',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest',
            locality_lb_config: { zone_aware_lb_config: { min_cluster_size: '1' } },
          },
        },
      },
    ],
  },
  eds_cluster_config: { eds_config: { ads: {}, resource_api_version: 'V3' }, service_name: LOCAL_CLUSTER },
};

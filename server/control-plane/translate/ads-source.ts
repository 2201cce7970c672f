import type { Cluster } from '#xds';

/** "From the stream this came on". */
export const ADS_SOURCE = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };

export const edsConfig = (service_name: string): NonNullable<Cluster['eds_cluster_config']> => ({
  service_name,
  eds_config: ADS_SOURCE,
});

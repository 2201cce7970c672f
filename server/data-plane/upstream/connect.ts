import type { Socket } from 'node:net';
import type { ProxyNetwork } from '../doors.ts';
import type { UpstreamCluster } from './cluster.ts';
import type { Host } from './host.ts';

/** Clusters that lead to this pod's own application bear Istio's inbound names. */
const leadsToApp = (clusterName: string): boolean =>
  clusterName.startsWith('inbound|') || clusterName === 'InboundPassthroughCluster';

/** How this cluster dials one of its hosts. */
export const connectTo =
  (network: ProxyNetwork, cluster: UpstreamCluster, host: Host): (() => Socket) =>
  () =>
    network.connect(host.address, { toApp: leadsToApp(cluster.config.name) });

import type { Socket } from 'node:net';
import type { SocketAddress } from '#domain';
import type { ProxyNetwork } from '../doors.ts';
import type { UpstreamCluster } from './cluster.ts';

/** Clusters that lead to this pod's own application bear Istio's inbound names. */
const leadsToApp = (clusterName: string): boolean =>
  clusterName.startsWith('inbound|') || clusterName === 'InboundPassthroughCluster';

/** How this cluster dials the address of one of its hosts. */
export const connectTo =
  (network: ProxyNetwork, cluster: UpstreamCluster, address: SocketAddress): (() => Socket) =>
  () =>
    network.connect(address, { toApp: leadsToApp(cluster.config.name) });

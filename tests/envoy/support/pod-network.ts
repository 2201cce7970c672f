import { clusterName } from '#domain';
import type { Cluster, Listener } from '#xds';
import type { PodNetwork } from '../../../server/envoy/ads-relay.ts';

const INBOUND = 'virtualInbound';

export interface PodNetworkOptions {
  readonly podIp: string;
  /** Where the pod's application listens, as far as it has one. */
  readonly app?: { readonly ip: string; readonly port: number } | undefined;
}

/**
 * Without capture: listeners for any address take the pod's own, each at the port whose traffic capture would have brought it. Inbound
 * traffic comes to the application's port at the pod's address, and goes on to where the application is hidden.
 */
export const podNetwork = ({ podIp, app }: PodNetworkOptions): PodNetwork => ({
  listener: (listener) => {
    const { address: given, port_value } = listener.address?.socket_address ?? {};
    if (given !== '0.0.0.0') return listener;
    const { bind_to_port: _, ...rest } = listener;
    const port = listener.name === INBOUND && app !== undefined ? app.port : port_value;
    return { ...rest, address: socketAddress(podIp, port) } as Listener;
  },
  cluster: (cluster) => {
    if (app === undefined || cluster.name !== clusterName('inbound', app.port, '', '')) return cluster;
    const { cleanup_interval: _, ...rest } = cluster as Cluster & { cleanup_interval?: string };
    const endpoint = { address: socketAddress(app.ip, app.port) };
    return {
      ...rest,
      type: 'STATIC',
      lb_policy: 'ROUND_ROBIN',
      load_assignment: { cluster_name: cluster.name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
    } as Cluster;
  },
});

const socketAddress = (address: string, port_value: number | undefined): object => ({
  socket_address: { address, port_value },
});

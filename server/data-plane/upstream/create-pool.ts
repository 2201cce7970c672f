import type { Clock } from '#domain';
import type { ProxyNetwork } from '../doors.ts';
import type { TransportFactory } from '../transports.ts';
import type { PoolFactory } from './cluster.ts';
import { connectTo } from './connect.ts';
import { createHostPool } from './pool.ts';

/** Makes HTTP pools: sockets from the pod's network, TLS as the cluster wants it for that host. */
export function createPoolFor(options: {
  network: ProxyNetwork;
  transports: TransportFactory;
  clock: Clock;
}): PoolFactory {
  const { clock, network, transports } = options;
  return (cluster, host) => {
    const { config, breakers, stats } = cluster;
    const tls = cluster.tlsFor(host);
    return createHostPool({
      connect: connectTo(network, cluster, host),
      transport: tls && transports.client(tls, 'http'),
      connectTimeoutMs: config.connectTimeoutMs,
      clock,
      breakers,
      maxRequestsPerConnection: config.maxRequestsPerConnection,
      idleTimeoutMs: config.idleTimeoutMs,
      onStat: (stat) => stats.pool(stat),
    });
  };
}

import type { Clock } from '#domain';
import { tlsForName, type UpstreamTls } from '../config/tls-settings.ts';
import type { ProxyNetwork } from '../doors.ts';
import type { HostPool, PooledRequest } from '../http/codec.ts';
import type { TransportFactory } from '../transports.ts';
import type { PoolFactory, UpstreamCluster } from './cluster.ts';
import { connectTo } from './connect.ts';
import type { PoolProtocol } from './connection-factory.ts';
import type { Host } from './host.ts';
import { KeyedPools } from './keyed-pools.ts';
import { createHostPool } from './pool.ts';
import type { RoutePriority } from './pool-breakers.ts';

export interface PoolSources {
  readonly network: ProxyNetwork;
  readonly transports: TransportFactory;
  readonly clock: Clock;
}

/** Makes HTTP pools: sockets from the pod's network, TLS and protocol as the cluster wants them for that host. */
export function createPoolFor(sources: PoolSources): PoolFactory {
  return (cluster, host, priority) => {
    const { protocol, autoNames } = cluster.config.http;
    const tls = cluster.tlsFor(host);
    const make = (spoken: PoolProtocol, wanted = tls): HostPool =>
      createPool(sources, { cluster, host, priority, tls: wanted, protocol: spoken });
    const speaking = (wanted: UpstreamTls | undefined): HostPool =>
      protocol === 'downstream' ? new KeyedPools(spokenBy, (spoken) => make(spoken, wanted)) : make(protocol, wanted);
    if (tls === undefined || autoNames === undefined) return speaking(tls);
    return new KeyedPools(namedBy, (name) => speaking(tlsForName(tls, name, autoNames)));
  };
}

const spokenBy = (request: PooledRequest | undefined): 'http1' | 'http2' =>
  request?.protocol === 'HTTP/2' ? 'http2' : 'http1';

/** The host of a request, without its port. */
const namedBy = (request: PooledRequest | undefined): string => (request?.authority ?? '').replace(/:\d+$/, '');

interface PoolTarget {
  readonly cluster: UpstreamCluster;
  readonly host: Host;
  readonly priority: RoutePriority;
  readonly tls: UpstreamTls | undefined;
  readonly protocol: PoolProtocol;
}

function createPool(
  { network, transports, clock }: PoolSources,
  { cluster, host, priority, tls, protocol }: PoolTarget,
): HostPool {
  const { config, stats } = cluster;
  const { keepsSpelling } = config.http;
  // HTTP/2 has no capitals.
  const transport = tls && transports.client(tls, protocol, !keepsSpelling);
  return createHostPool({
    connect: connectTo(network, cluster, host.address),
    transport,
    keepsSpelling,
    offersCarriage: transport?.offersCarriage === true,
    connectTimeoutMs: config.connectTimeoutMs,
    clock,
    breakers: cluster.breakers[priority],
    protocol,
    http2: { ...config.http, ...(protocol !== 'http1' && { counter: stats.http2 }) },
    maxRequestsPerConnection: config.http.maxRequestsPerConnection,
    idleTimeoutMs: config.http.idleTimeoutMs,
    maxConnectionDurationMs: config.http.maxConnectionDurationMs,
    onStat: (stat) => {
      if (stat === 'upstream_cx_total') host.figures.cxTotal++;
      else if (stat === 'upstream_cx_connect_fail') host.figures.cxConnectFail++;
      stats.count(stat);
    },
    observer: stats,
  });
}

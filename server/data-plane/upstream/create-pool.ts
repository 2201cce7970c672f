import type { Socket } from 'node:net';
import { type Clock, formatAddress } from '#domain';
import { tlsForName, type UpstreamTls } from '../config/tls-settings.ts';
import type { ProxyNetwork } from '../doors.ts';
import type { HostPool, PooledRequest } from '../http/codec.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { TransportFactory } from '../transports.ts';
import { clientHeader, HEADER_SCOPE, TOO_LONG } from './client-header.ts';
import type { UpstreamCluster } from './cluster.ts';
import type { PoolFactory } from './cluster-options.ts';
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
  return (cluster, host, priority, kind) => {
    const { protocol, autoNames } = cluster.config.http;
    const tls = cluster.transports.tlsFor(host);
    const header = cluster.transports.clientHeaderFor(host);
    const poolsOf = (client: ConnectionContext | undefined): HostPool => {
      const tooLong = (): void => cluster.stats.count(HEADER_SCOPE + TOO_LONG);
      const firstBytes = header && clientHeader(header, host, client, tooLong);
      const make = (spoken: PoolProtocol, wanted: UpstreamTls | undefined): HostPool =>
        createPool(sources, { cluster, host, priority, tls: wanted, protocol: spoken, firstBytes });
      if (kind === 'tunnels') return make('tcp', tls);
      const speaking = (wanted: UpstreamTls | undefined): HostPool =>
        protocol === 'downstream' ? new KeyedPools(spokenBy, (spoken) => make(spoken, wanted)) : make(protocol, wanted);
      if (tls === undefined || autoNames === undefined) return speaking(tls);
      return new KeyedPools(namedBy, (name) => speaking(tlsForName(tls, name, autoNames)));
    };
    if (header === undefined && !cluster.config.poolsByClient) return poolsOf(undefined);
    const keyOf = cluster.config.poolsByClient ? connectionOf : addressesOf;
    return new KeyedPools(keyOf, (_, request) => poolsOf(request?.client));
  };
}

const spokenBy = (request: PooledRequest | undefined): 'http1' | 'http2' =>
  request?.protocol === 'HTTP/2' ? 'http2' : 'http1';

/** The host of a request, without its port. */
const namedBy = (request: PooledRequest | undefined): string => (request?.authority ?? '').replace(/:\d+$/, '');

const addressesOf = (request: PooledRequest | undefined): string => {
  const client = request?.client;
  return client === undefined ? '' : `${formatAddress(client.remoteAddress)}|${formatAddress(client.localAddress)}`;
};

/** Undefined: the host has no limit of its own. */
const fullAt = (host: Host, limit: number | undefined): (() => boolean) | undefined =>
  limit === undefined
    ? undefined
    : () => Object.values(host.pools).reduce((sum, pool) => sum + pool.activeConnections, 0) >= limit;

const connectionOf = (request: PooledRequest | undefined): string => String(request?.connection ?? '');

/** TLS whose settings offer no protocol offers the one that is spoken. Source: wrapTransportSocketOptions in Envoy. */
function named(tls: UpstreamTls, protocol: PoolProtocol): UpstreamTls {
  if (tls.alpn.length > 0 || (protocol !== 'http1' && protocol !== 'http2')) return tls;
  return { ...tls, alpn: [protocol === 'http1' ? 'http/1.1' : 'h2'] };
}

interface PoolTarget {
  readonly cluster: UpstreamCluster;
  readonly host: Host;
  readonly priority: RoutePriority;
  readonly tls: UpstreamTls | undefined;
  readonly protocol: PoolProtocol;
  readonly firstBytes: ((socket: Socket) => Buffer) | undefined;
}

function createPool(
  { network, transports, clock }: PoolSources,
  { cluster, host, priority, tls, protocol, firstBytes }: PoolTarget,
): HostPool {
  const { config, stats } = cluster;
  const { perHostConnections, preconnectRatio } = config;
  const { answers, keepsSpelling } = config.http;
  // HTTP/2 has no capitals, and other words for an answer that is too large.
  const shares = !keepsSpelling && (answers.maxHeaders ?? answers.maxHeadBytes) === undefined;
  const transport = tls && transports.client(named(tls, protocol), protocol, shares);
  return createHostPool({
    connect: connectTo(network, cluster, host.address),
    further: host.endpoint.furtherAddresses?.map((address) => connectTo(network, cluster, address)),
    transport,
    firstBytes,
    keepsSpelling,
    answers,
    offersCarriage: transport?.offersCarriage === true,
    connectTimeoutMs: config.connectTimeoutMs,
    clock,
    breakers: cluster.breakers[priority],
    hostIsFull: fullAt(host, perHostConnections[priority]),
    preconnectRatio,
    isHealthy: preconnectRatio > 1 || config.predictiveRatio > 1 ? () => host.healthy && !host.degraded : undefined,
    protocol,
    http2: { ...config.http, ...((protocol === 'http2' || protocol === 'alpn') && { counter: stats.http2 }) },
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

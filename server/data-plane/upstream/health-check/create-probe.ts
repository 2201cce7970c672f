import type { Socket } from 'node:net';
import type { HealthCheckPolicy } from '../../config/health-check-config.ts';
import type { UpstreamTls } from '../../config/tls-settings.ts';
import type { HostPool } from '../../http/codec.ts';
import { clientHeader } from '../client-header.ts';
import type { UpstreamCluster } from '../cluster.ts';
import { connectTo } from '../connect.ts';
import type { PoolSources } from '../create-pool.ts';
import type { Host } from '../host.ts';
import { createHostPool } from '../pool.ts';
import { createCircuitBreakers } from '../pool-breakers.ts';
import type { PoolObserver } from '../pool-options.ts';
import { HttpProbe } from './http-probe.ts';
import type { HealthProbe, ProbeFactory } from './probe.ts';
import { TcpProbe } from './tcp-probe.ts';

/** Makes probes: sockets from the pod's network, secured as the cluster secures its requests. They count in no circuit breaker. */
export const createProbeFor =
  (sources: PoolSources): ProbeFactory =>
  (cluster, host, policy) => {
    const { probe, reuseConnection: reuse, socketMatch, timeoutMs } = policy;
    if (socketMatch !== undefined) cluster.transports.count(socketMatch);
    const tls = tlsOf(cluster, host, policy);
    const firstBytes = firstBytesOf(cluster, host, policy);
    if (probe.kind === 'TCP') {
      const transport = tls && sources.transports.client(tls, 'tcp');
      const { connectTimeoutMs } = cluster.config;
      const connect = connectTo(sources.network, cluster, host.endpoint.check.address);
      return new TcpProbe(probe, {
        reuse,
        onSecured: (facts) => cluster.stats.handshake(facts),
        connect: { connect, transport, firstBytes, timeoutMs: connectTimeoutMs, clock: sources.clock },
      });
    }
    return httpProbe(sources, { cluster, host, tls, firstBytes, probe, reuse, timeoutMs });
  };

const VIOLATIONS = 'upstream_cx_protocol_error';

/** Connections of checks count in no figure of connections, but for what hosts do wrong on them. */
const UNOBSERVED: PoolObserver = {
  connected: () => undefined,
  connectTime: () => undefined,
  speaks: () => undefined,
  connectionEnded: () => undefined,
};

function httpProbe(
  { network, transports, clock }: PoolSources,
  options: {
    readonly cluster: UpstreamCluster;
    readonly host: Host;
    readonly tls: UpstreamTls | undefined;
    readonly firstBytes: ((socket: Socket) => Buffer) | undefined;
    readonly probe: Exclude<HealthCheckPolicy['probe'], { kind: 'TCP' }>;
    readonly reuse: boolean;
    readonly timeoutMs: number;
  },
): HealthProbe {
  const { cluster, host, tls, firstBytes, probe, reuse, timeoutMs } = options;
  const onViolation = (): void => cluster.stats.count(VIOLATIONS);
  const protocol = probe.kind === 'GRPC' ? 'http2' : probe.protocol;
  const createPool = (): HostPool => {
    const transport = tls && transports.client(tls, protocol);
    return createHostPool({
      connect: connectTo(network, cluster, host.endpoint.check.address),
      transport,
      firstBytes,
      offersCarriage: transport?.offersCarriage === true,
      connectTimeoutMs: cluster.config.connectTimeoutMs,
      clock,
      breakers: createCircuitBreakers(),
      onStat: (stat) => {
        if (stat === VIOLATIONS) onViolation();
      },
      observer: { ...UNOBSERVED, connected: (_socket, facts) => cluster.stats.handshake(facts) },
      protocol,
    });
  };
  const ofCheck = probe.kind === 'GRPC' ? probe.authority : probe.host;
  return new HttpProbe({
    check: probe,
    authority: host.endpoint.check.hostname || ofCheck || cluster.config.name,
    scheme: tls === undefined ? 'http' : 'https',
    timeoutMs,
    clock,
    reuse,
    createPool,
    onViolation,
    onVerifyCluster: () => cluster.stats.count('health_check.verify_cluster'),
  });
}

/** Nothing is said to a host whose connection is enough. */
function firstBytesOf(cluster: UpstreamCluster, host: Host, { probe, socketMatch }: HealthCheckPolicy) {
  if (probe.kind === 'TCP' && probe.receive.length === 0) return undefined;
  const header = cluster.transports.clientHeaderFor(host, socketMatch);
  return header && clientHeader(header, host, undefined);
}

function tlsOf(
  cluster: UpstreamCluster,
  host: Host,
  { alpn, socketMatch }: HealthCheckPolicy,
): UpstreamTls | undefined {
  const tls = cluster.transports.tlsFor(host, socketMatch);
  return tls === undefined || alpn.length === 0 ? tls : { ...tls, alpn };
}

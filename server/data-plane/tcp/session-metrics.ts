import type { Socket } from 'node:net';
import { parseClusterName } from '#domain';
import { UNKNOWN_PEER } from '../http/peer-metadata.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { ConnectionFacts } from '../stats/istio-metrics.ts';
import { readEndpointWorkload } from '../stats/request-metrics.ts';
import type { UpstreamCluster } from '../upstream/cluster.ts';
import type { Host } from '../upstream/host.ts';

export interface MeasuredSession {
  readonly runtime: ProxyRuntime;
  readonly context: ConnectionContext;
  readonly socket: Socket;
  readonly cluster: UpstreamCluster;
  readonly host: Host;
  /** SPIFFE id that the upstream connection proved; empty without. */
  readonly upstreamPeer: string;
}

/** Counts a joined connection in Istio's TCP metrics, its bytes also while it is open. Returns what ends the counting. */
export function measureSession(session: MeasuredSession): () => void {
  const { runtime, socket } = session;
  const series = runtime.metrics.tcpSeriesOf(factsOf(session));
  if (series === undefined) return () => undefined;
  series.opened++;
  const counted = { read: 0, written: 0 };
  const report = (): void => {
    series.receivedBytes += socket.bytesRead - counted.read;
    series.sentBytes += socket.bytesWritten - counted.written;
    Object.assign(counted, { read: socket.bytesRead, written: socket.bytesWritten });
  };
  const leave = runtime.metrics.whileOpen(report);
  return () => {
    report();
    leave();
    series.closed++;
  };
}

function factsOf({ runtime, context, cluster, host, upstreamPeer }: MeasuredSession): ConnectionFacts {
  const { workload, namespace, service, version, spiffeId } = runtime.self;
  const outbound = context.direction === 'outbound';
  const proved = outbound ? upstreamPeer : (context.tls?.peerSpiffeId ?? '');
  const principal = proved === '' ? 'unknown' : proved;
  const own = { workload, namespace, service, version, principal: proved === '' ? 'unknown' : spiffeId };
  const other = { ...(outbound ? readEndpointWorkload(host.endpoint.workload) : UNKNOWN_PEER), principal };
  return {
    reporter: outbound ? 'source' : 'destination',
    source: outbound ? own : other,
    destination: outbound ? other : own,
    service: serviceOf(cluster),
    flags: '',
    security: outbound ? 'unknown' : proved === '' ? 'none' : 'mutual_tls',
  };
}

/** The host in an outbound cluster's name; the service that Istio writes into an inbound cluster's metadata. */
function serviceOf({ config }: UpstreamCluster): string {
  const named = parseClusterName(config.name)?.host;
  if (named) return named;
  const services = config.resource.metadata?.filter_metadata?.['istio']?.['services'];
  const first: unknown = Array.isArray(services) ? services[0] : undefined;
  const host = typeof first === 'object' && first !== null ? Reflect.get(first, 'host') : undefined;
  return typeof host === 'string' ? host : 'unknown';
}

import { parseClusterName } from '#domain';
import type { Exchange } from '../http/exchange.ts';
import { type PeerWorkload, UNKNOWN_PEER } from '../http/peer-metadata.ts';
import type { RequestFacts } from './istio-metrics.ts';

/** From which side a proxy counts: a client's proxy and a gateway as source, a server's as destination. */
export type RequestReport = RequestFacts['reporter'];

/** Counts a finished request in Istio's standard metrics. */
export function reportMetrics(exchange: Exchange, reporter: RequestReport): void {
  const { info, runtime } = exchange;
  const own = { ...selfWorkload(exchange), principal: runtime.self.spiffeId };
  const tls = reporter === 'destination' ? exchange.connection.tls : exchange.upstreamTls;
  const principal = tls?.peerSpiffeId || 'unknown';
  const other = { ...(exchange.peer ?? endpointWorkload(exchange)), principal };
  const mutual = principal !== 'unknown';
  runtime.metrics.record({
    reporter,
    source: reporter === 'source' ? { ...own, principal: mutual ? own.principal : 'unknown' } : other,
    destination: reporter === 'source' ? other : { ...own, principal: mutual ? own.principal : 'unknown' },
    service: serviceOf(exchange, reporter),
    status: info.status,
    flags: info.flags.join(','),
    security: reporter === 'source' ? 'unknown' : mutual ? 'mutual_tls' : 'none',
    durationMs: info.durationMs,
    requestBytes: info.bytesReceived,
    responseBytes: info.bytesSent,
  });
}

/** What the control plane says of the endpoint, for servers without a proxy of their own. */
function endpointWorkload({ upstreamWorkload }: Exchange): PeerWorkload {
  const [workload, namespace, service, version] = upstreamWorkload.split(';');
  if (!workload || !namespace) return UNKNOWN_PEER;
  return { workload, namespace, service: service || workload, version: version || 'latest' };
}

const selfWorkload = ({ runtime: { self } }: Exchange): PeerWorkload => ({
  workload: self.workload,
  namespace: self.namespace,
  service: self.service,
  version: self.version,
});

function serviceOf(exchange: Exchange, reporter: RequestReport): string {
  if (reporter === 'source')
    return parseClusterName(exchange.info.cluster)?.host || exchange.received.authority || 'unknown';
  return exchange.received.authority.replace(/:\d+$/, '') || 'unknown';
}

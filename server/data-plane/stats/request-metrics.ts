import { parseClusterName } from '#domain';
import type { Exchange } from '../http/exchange.ts';
import { type PeerWorkload, UNKNOWN_PEER } from '../http/peer-metadata.ts';
import type { IstioMetrics, RequestFacts, RequestFigures, RequestSeries } from './istio-metrics.ts';

/** From which side a proxy counts: a client's proxy and a gateway as source, a server's as destination. */
export type RequestReport = RequestFacts['reporter'];

/** Clusters (or hosts asked for) whose last series is remembered. */
const MAX_RECENT = 256;

/** All that the labels of a request depend on besides the proxy itself; equal values mean the same series. */
interface Recent {
  readonly series: RequestSeries;
  /** SPIFFE id of the other side, empty without mTLS. */
  readonly peerId: string;
  readonly peer: PeerWorkload | undefined;
  readonly endpoint: string;
  readonly status: number;
  readonly grpcStatus: string | undefined;
  readonly flags: readonly string[];
  readonly authority: string;
}

/** Counts finished requests of one connection manager in Istio's standard metrics. Remembers per cluster which series was used last. */
export class RequestReporter {
  readonly #metrics: IstioMetrics;
  readonly #side: RequestReport;
  readonly #recent = new Map<string, Recent>();

  constructor(metrics: IstioMetrics, side: RequestReport) {
    this.#metrics = metrics;
    this.#side = side;
  }

  report(exchange: Exchange): void {
    const { info } = exchange;
    const recent = this.#recent.get(info.cluster);
    const series = recent !== undefined && this.#same(recent, exchange) ? recent.series : this.#find(exchange);
    if (series === undefined) return;
    const figures: RequestFigures = {
      durationMs: info.durationMs,
      requestBytes: info.bytesReceived,
      responseBytes: info.bytesSent,
    };
    this.#metrics.record(series, figures);
  }

  #same(recent: Recent, exchange: Exchange): boolean {
    const { info } = exchange;
    return (
      recent.status === info.status &&
      recent.grpcStatus === grpcStatusOf(exchange) &&
      recent.flags === info.flags &&
      recent.peerId === peerIdOf(exchange, this.#side) &&
      recent.peer === exchange.peer &&
      recent.endpoint === exchange.upstreamWorkload &&
      recent.authority === exchange.received.authority
    );
  }

  #find(exchange: Exchange): RequestSeries | undefined {
    const { info } = exchange;
    const series = this.#metrics.seriesOf(factsOf(exchange, this.#side));
    if (series === undefined) return undefined;
    if (this.#recent.size >= MAX_RECENT) this.#recent.clear();
    this.#recent.set(info.cluster, {
      series,
      peerId: peerIdOf(exchange, this.#side),
      peer: exchange.peer,
      endpoint: exchange.upstreamWorkload,
      status: info.status,
      grpcStatus: grpcStatusOf(exchange),
      flags: info.flags,
      authority: exchange.received.authority,
    });
    return series;
  }
}

const peerIdOf = (exchange: Exchange, side: RequestReport): string =>
  (side === 'destination' ? exchange.connection.tls : exchange.upstreamTls)?.peerSpiffeId ?? '';

function factsOf(exchange: Exchange, reporter: RequestReport): RequestFacts {
  const { info, runtime } = exchange;
  const { workload, namespace, service, version, spiffeId } = runtime.self;
  const principal = peerIdOf(exchange, reporter) || 'unknown';
  const mutual = principal !== 'unknown';
  const own = { workload, namespace, service, version, principal: mutual ? spiffeId : 'unknown' };
  const other = { ...(exchange.peer ?? endpointWorkload(exchange)), principal };
  return {
    reporter,
    source: reporter === 'source' ? own : other,
    destination: reporter === 'source' ? other : own,
    service: serviceOf(exchange, reporter),
    protocol: grpcStatusOf(exchange) === undefined ? 'http' : 'grpc',
    status: info.status,
    grpcStatus: grpcStatusOf(exchange) ?? '',
    flags: info.flags.join(','),
    security: reporter === 'source' ? 'unknown' : mutual ? 'mutual_tls' : 'none',
  };
}

/** Empty while a gRPC answer has none; undefined when the request is not gRPC. */
function grpcStatusOf({ head, info, responseHead }: Exchange): string | undefined {
  if (head.headers.get('content-type')?.startsWith('application/grpc') !== true) return undefined;
  return info.grpcStatus ?? responseHead?.headers.get('grpc-status') ?? '';
}

/** What the control plane says of the endpoint, for servers without a proxy of their own. */
const endpointWorkload = ({ upstreamWorkload }: Exchange): PeerWorkload => readEndpointWorkload(upstreamWorkload);

/** Reads `workload;namespace;canonical name;canonical revision;cluster`, as EDS names the workload behind an endpoint. */
export function readEndpointWorkload(upstreamWorkload: string): PeerWorkload {
  const [workload, namespace, service, version] = upstreamWorkload.split(';');
  if (!workload || !namespace) return UNKNOWN_PEER;
  return { workload, namespace, service: service || workload, version: version || 'latest' };
}

function serviceOf(exchange: Exchange, reporter: RequestReport): string {
  if (reporter === 'source')
    return parseClusterName(exchange.info.cluster)?.host || exchange.received.authority || 'unknown';
  return exchange.received.authority.replace(/:\d+$/, '') || 'unknown';
}

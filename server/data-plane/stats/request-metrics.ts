import type { StatsPlan } from '../config/stats-plan.ts';
import type { Exchange } from '../http/exchange.ts';
import type { PeerWorkload } from '../http/peer-metadata.ts';
import { destinationService } from './destination-service.ts';
import { readEndpointWorkload } from './endpoint-workload.ts';
import type { RequestFacts } from './istio-labels.ts';
import type { IstioMetrics, RequestSeries } from './istio-metrics.ts';

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
  readonly routeName: string;
}

/**
 * Counts finished requests of one connection manager in Istio's standard metrics, as one of its statistics filters says. Remembers per
 * cluster which series was used last.
 */
export class RequestReporter {
  readonly #metrics: IstioMetrics;
  readonly #side: RequestReport;
  readonly #plan: StatsPlan;
  readonly #recent = new Map<string, Recent>();

  constructor(metrics: IstioMetrics, side: RequestReport, plan: StatsPlan) {
    this.#metrics = metrics;
    this.#side = side;
    this.#plan = plan;
  }

  report(exchange: Exchange): void {
    const { info } = exchange;
    this.#metrics.record(this.#seriesOf(exchange), {
      durationMs: info.durationMs,
      requestBytes: info.bytesReceived,
      responseBytes: info.bytesSent,
    });
    const { messages } = exchange;
    if (messages === undefined) return;
    const facts = factsOf(exchange, this.#side, this.#plan);
    this.#metrics.countMessages(facts, this.#plan, { ...messages, subject: exchange });
  }

  #seriesOf(exchange: Exchange): RequestSeries {
    if (this.#plan.evaluates) return this.#find(exchange);
    const recent = this.#recent.get(exchange.info.cluster);
    if (recent !== undefined && this.#same(recent, exchange)) return recent.series;
    const series = this.#find(exchange);
    this.#remember(exchange, series);
    return series;
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
      recent.authority === exchange.received.authority &&
      recent.routeName === info.routeName
    );
  }

  #find(exchange: Exchange): RequestSeries {
    return this.#metrics.requestSeries(factsOf(exchange, this.#side, this.#plan), this.#plan, exchange);
  }

  #remember(exchange: Exchange, series: RequestSeries): void {
    const { info } = exchange;
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
      routeName: info.routeName,
    });
  }
}

const peerIdOf = (exchange: Exchange, side: RequestReport): string =>
  (side === 'destination' ? exchange.connection.tls : exchange.upstreamTls)?.peerSpiffeId ?? '';

function factsOf(exchange: Exchange, reporter: RequestReport, { hostFallback }: StatsPlan): RequestFacts {
  const { info, received, runtime } = exchange;
  const peerPrincipal = peerIdOf(exchange, reporter);
  const grpcStatus = grpcStatusOf(exchange);
  return {
    reporter,
    own: runtime.self,
    // Its own certificate is the only one a proxy shows.
    ownPrincipal: peerPrincipal === '' ? '' : runtime.self.spiffeId,
    peer: exchange.peer ?? (reporter === 'source' ? readEndpointWorkload(exchange.upstreamWorkload) : undefined),
    peerPrincipal,
    service: destinationService({
      routeName: info.routeName,
      cluster: runtime.clusters.get(info.cluster),
      host: hostFallback ? received.authority : '',
    }),
    protocol: grpcStatus === undefined ? 'http' : 'grpc',
    status: info.status,
    grpcStatus: grpcStatus ?? '',
    flags: info.flags.join(','),
  };
}

/** Empty while a gRPC answer has none; undefined when the request is not gRPC. */
function grpcStatusOf({ head, info, responseHead }: Exchange): string | undefined {
  if (head.headers.get('content-type')?.startsWith('application/grpc') !== true) return undefined;
  return info.grpcStatus ?? responseHead?.headers.get('grpc-status') ?? '';
}

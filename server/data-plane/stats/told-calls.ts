import type { StatsPlan } from '../config/stats-plan.ts';
import type { FormatSubject } from '../format/subject.ts';
import { Headers } from '../http/headers.ts';
import { type PeerWorkload, readPeerHeader } from '../http/peer-metadata.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import { StreamInfo } from '../http/stream-info.ts';
import type { ProxySelf } from '../runtime.ts';
import { destinationService } from './destination-service.ts';
import { readEndpointWorkload } from './endpoint-workload.ts';
import type { ConnectionFacts } from './istio-labels.ts';
import { IstioMetrics } from './istio-metrics.ts';
import { istioMetricsText } from './prometheus.ts';

/** A request or a connection that another proxy handled, as it tells of it when it is over. Absent values are empty. */
export interface ToldCall {
  readonly kind: 'http' | 'tcp';
  readonly reporter: 'source' | 'destination';
  /** The workload at the other end, where its address is known. */
  readonly peer: PeerWorkload | undefined;
  /** `x-envoy-peer-metadata`, as the other end's proxy wrote it. */
  readonly peerHeader: string;
  /** The workload behind the endpoint, as EDS names it. */
  readonly endpointWorkload: string;
  /** SPIFFE id that the other end proved. */
  readonly peerPrincipal: string;
  readonly routeName: string;
  readonly cluster: string;
  /** `services` of the metadata that Istio writes into a cluster. */
  readonly services: unknown;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly protocol: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly status: number;
  /** Of a gRPC answer. */
  readonly grpcStatus: string;
  /** Envoy's short names. */
  readonly flags: readonly string[];
  readonly details: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly upstreamHost: string;
  readonly serverName: string;
}

/**
 * Istio's metrics of a proxy that does not count in them itself. Unlike those of a proxy with Istio's statistics filter, connections are counted
 * when they end, messages of gRPC calls not at all, and an expression about something that is not told yields `unknown`.
 */
export class ToldCalls {
  readonly #metrics = new IstioMetrics();
  readonly #self: ProxySelf;

  constructor(self: ProxySelf) {
    this.#self = self;
  }

  count(call: ToldCall, plans: readonly StatsPlan[]): void {
    for (const plan of plans) {
      if (call.kind === 'tcp') this.#countConnection(call, plan);
      else this.#countRequest(call, plan);
    }
  }

  /** In Prometheus' text format. */
  text(): string {
    return istioMetricsText(this.#metrics);
  }

  #countRequest(call: ToldCall, plan: StatsPlan): void {
    const isGrpc = call.requestHeaders['content-type']?.startsWith('application/grpc') === true;
    const facts = {
      ...this.#factsOf(call, plan.hostFallback ? call.authority : ''),
      protocol: isGrpc ? ('grpc' as const) : ('http' as const),
      status: call.status,
      grpcStatus: isGrpc ? call.grpcStatus : '',
    };
    this.#metrics.record(this.#metrics.requestSeries(facts, plan, this.#subjectOf(call)), {
      durationMs: call.durationMs,
      requestBytes: call.receivedBytes,
      responseBytes: call.sentBytes,
    });
  }

  #countConnection(call: ToldCall, plan: StatsPlan): void {
    const series = this.#metrics.tcpSeries(this.#factsOf(call, ''), plan, this.#subjectOf(call));
    if (series.opened !== undefined) series.opened.value++;
    if (series.closed !== undefined) series.closed.value++;
    if (series.sentBytes !== undefined) series.sentBytes.value += call.sentBytes;
    if (series.receivedBytes !== undefined) series.receivedBytes.value += call.receivedBytes;
  }

  #factsOf(call: ToldCall, host: string): ConnectionFacts {
    const { cluster, peerPrincipal, reporter, services } = call;
    const resource = { metadata: { filter_metadata: { istio: { services } } } };
    return {
      reporter,
      own: this.#self,
      ownPrincipal: peerPrincipal === '' ? '' : this.#self.spiffeId,
      peer: peerOf(call),
      peerPrincipal,
      service: destinationService({
        routeName: call.routeName,
        cluster: { config: { name: cluster, resource } },
        host,
      }),
      flags: call.flags.join(','),
    };
  }

  /** What expressions of labels may speak of. */
  #subjectOf(call: ToldCall): FormatSubject {
    const info = new StreamInfo(call.startMs, 0);
    info.status = call.status;
    info.flags = call.flags as readonly ResponseFlag[];
    info.details = call.details;
    info.routeName = call.routeName;
    info.cluster = call.cluster;
    info.upstreamHost = call.upstreamHost;
    info.bytesReceived = call.receivedBytes;
    info.bytesSent = call.sentBytes;
    info.durationMs = call.durationMs;
    const { method, path, authority, protocol } = call;
    const nowhere = { ip: '', port: 0 };
    return {
      head: { method, path, authority, scheme: 'http', protocol, headers: Headers.of(call.requestHeaders) },
      responseHead:
        call.kind === 'tcp' ? undefined : { status: call.status, headers: Headers.of(call.responseHeaders) },
      info,
      connection: {
        direction: call.reporter === 'source' ? 'outbound' : 'inbound',
        remoteAddress: nowhere,
        localAddress: nowhere,
        requestedServerName: call.serverName,
        tls: undefined,
      },
      proxy: this.#self,
      peer: peerOf(call),
    };
  }
}

/** Who is known by its address, else by its own words, else by what istiod says of the endpoint. */
const peerOf = ({ endpointWorkload, peer, peerHeader, reporter }: ToldCall): PeerWorkload | undefined =>
  peer ??
  (peerHeader === '' ? undefined : readPeerHeader(peerHeader)) ??
  (reporter === 'source' ? readEndpointWorkload(endpointWorkload) : undefined);

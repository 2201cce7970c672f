import type { PeerWorkload } from '../http/peer-metadata.ts';
import { Histogram, MILLISECOND_BOUNDS } from './histogram.ts';

const BYTE_BUCKETS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/** Distinct label sets kept; more would be a cardinality mistake, not traffic. */
const MAX_SERIES = 2000;

/** One label set with its figures. */
export interface RequestSeries {
  readonly labels: Readonly<Record<string, string>>;
  requests: number;
  readonly duration: Histogram;
  readonly requestBytes: Histogram;
  readonly responseBytes: Histogram;
}

/** Who talked to whom, as the labels of all metrics describe it. */
export interface ConnectionFacts {
  readonly reporter: 'source' | 'destination';
  readonly source: PeerWorkload & { readonly principal: string };
  readonly destination: PeerWorkload & { readonly principal: string };
  /** `reviews.default.svc.cluster.local`; `unknown` where the cluster names no service. */
  readonly service: string;
  readonly flags: string;
  readonly security: 'none' | 'mutual_tls' | 'unknown';
}

/** A finished request. */
export interface RequestFacts extends ConnectionFacts {
  readonly protocol: 'http' | 'grpc';
  readonly status: number;
  /** Of a gRPC answer; empty where there is none. */
  readonly grpcStatus: string;
}

/** One label set of TCP connections with its figures. */
export interface TcpSeries {
  readonly labels: Readonly<Record<string, string>>;
  opened: number;
  closed: number;
  /** Bytes from the server to the client. */
  sentBytes: number;
  /** Bytes from the client to the server. */
  receivedBytes: number;
}

/** What one request adds to its series. */
export interface RequestFigures {
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** Istio's standard metrics of one proxy. */
export class IstioMetrics {
  readonly #series = new Map<string, RequestSeries>();
  readonly #tcp = new Map<string, TcpSeries>();
  readonly #live = new Set<() => void>();
  #dropped = 0;

  /** The series of such requests; undefined, and a drop counted, where there are too many. */
  seriesOf(facts: RequestFacts): RequestSeries | undefined {
    const key = `${keyOf(facts)}|${facts.status}|${facts.protocol}|${facts.grpcStatus}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= MAX_SERIES) {
        this.#dropped++;
        return undefined;
      }
      series = newSeries(labelsOf(facts));
      this.#series.set(key, series);
    }
    return series;
  }

  record(series: RequestSeries, figures: RequestFigures): void {
    series.requests++;
    series.duration.record(figures.durationMs);
    series.requestBytes.record(figures.requestBytes);
    series.responseBytes.record(figures.responseBytes);
  }

  series(): readonly RequestSeries[] {
    return [...this.#series.values()];
  }

  /** The series of such connections; undefined, and a drop counted, where there are too many. */
  tcpSeriesOf(facts: ConnectionFacts): TcpSeries | undefined {
    const key = keyOf(facts);
    let series = this.#tcp.get(key);
    if (series === undefined) {
      if (this.#tcp.size >= MAX_SERIES) {
        this.#dropped++;
        return undefined;
      }
      series = { labels: tcpLabelsOf(facts), opened: 0, closed: 0, sentBytes: 0, receivedBytes: 0 };
      this.#tcp.set(key, series);
    }
    return series;
  }

  /** Open connections add their bytes when somebody reads. Returns how to leave. */
  whileOpen(report: () => void): () => void {
    this.#live.add(report);
    return () => this.#live.delete(report);
  }

  tcpSeries(): readonly TcpSeries[] {
    for (const report of this.#live) report();
    return [...this.#tcp.values()];
  }

  /** Requests not counted because too many label sets exist. */
  get dropped(): number {
    return this.#dropped;
  }
}

const newSeries = (labels: Readonly<Record<string, string>>): RequestSeries => ({
  labels,
  requests: 0,
  duration: new Histogram(MILLISECOND_BOUNDS),
  requestBytes: new Histogram(BYTE_BUCKETS),
  responseBytes: new Histogram(BYTE_BUCKETS),
});

const keyOf = ({ reporter, source, destination, service, flags, security }: ConnectionFacts): string =>
  `${reporter}|${source.workload}|${source.principal}|${destination.workload}|${destination.principal}|${service}|${flags}|${security}`;

function labelsOf(facts: RequestFacts): Record<string, string> {
  return {
    ...connectionLabels(facts),
    request_protocol: facts.protocol,
    response_code: String(facts.status),
    grpc_response_status: facts.grpcStatus,
    response_flags: facts.flags === '' ? '-' : facts.flags,
    connection_security_policy: facts.security,
  };
}

const tcpLabelsOf = (facts: ConnectionFacts): Record<string, string> => ({
  ...connectionLabels(facts),
  request_protocol: 'tcp',
  response_flags: facts.flags === '' ? '-' : facts.flags,
  connection_security_policy: facts.security,
});

function connectionLabels(facts: ConnectionFacts): Record<string, string> {
  const { source, destination } = facts;
  const [serviceName = 'unknown', serviceNamespace = 'unknown'] = facts.service.split('.');
  return {
    reporter: facts.reporter,
    source_workload: source.workload,
    source_workload_namespace: source.namespace,
    source_principal: source.principal,
    source_app: source.service,
    source_version: source.version,
    source_canonical_service: source.service,
    source_canonical_revision: source.version,
    source_cluster: 'Kubernetes',
    destination_workload: destination.workload,
    destination_workload_namespace: destination.namespace,
    destination_principal: destination.principal,
    destination_app: destination.service,
    destination_version: destination.version,
    destination_service: facts.service,
    destination_service_name: serviceName,
    destination_service_namespace: serviceNamespace,
    destination_canonical_service: destination.service,
    destination_canonical_revision: destination.version,
    destination_cluster: 'Kubernetes',
  };
}

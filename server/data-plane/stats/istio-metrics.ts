import type { LabelChange, MetricName, StatsPlan } from '../config/stats-plan.ts';
import type { FormatSubject } from '../format/subject.ts';
import { Histogram } from './histogram.ts';
import { type ConnectionFacts, callLabels, type RequestFacts, requestLabels, tcpLabels } from './istio-labels.ts';

/** Distinct label sets kept of one metric; more would be a cardinality mistake, not traffic. */
const MAX_SERIES = 2000;

type Labels = Readonly<Record<string, string>>;

/** One label set of a counter. */
export interface CounterSeries {
  readonly labels: Labels;
  value: number;
}

/** One label set of a histogram. */
export interface HistogramSeries {
  readonly labels: Labels;
  readonly histogram: Histogram;
}

/** What requests of one kind are counted in; absent: dropped. */
export interface RequestSeries {
  readonly requests: CounterSeries | undefined;
  readonly duration: HistogramSeries | undefined;
  readonly requestBytes: HistogramSeries | undefined;
  readonly responseBytes: HistogramSeries | undefined;
}

/** What TCP connections of one kind are counted in. */
export interface TcpSeries {
  readonly opened: CounterSeries | undefined;
  readonly closed: CounterSeries | undefined;
  /** Bytes from the server to the client. */
  readonly sentBytes: CounterSeries | undefined;
  /** Bytes from the client to the server. */
  readonly receivedBytes: CounterSeries | undefined;
}

/** What one request adds to its series. */
export interface RequestFigures {
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** All label sets of one metric. */
export interface MetricFamily {
  readonly name: `istio_${MetricName}`;
  readonly counters: readonly CounterSeries[];
  readonly histograms: readonly HistogramSeries[];
}

/** Label sets of one metric by their text. */
interface Held {
  readonly counters: Map<string, CounterSeries>;
  readonly histograms: Map<string, HistogramSeries>;
}

/** How a plan's labels come out for one request or connection. */
interface Labelled {
  readonly labels: Labels;
  readonly plan: StatsPlan;
  readonly subject: FormatSubject;
}

/** How many messages each side of a gRPC call has sent. */
export interface CountedCall {
  readonly subject: FormatSubject;
  readonly requests: { readonly count: number };
  readonly responses: { readonly count: number };
}

function add(series: CounterSeries | undefined, amount: number): void {
  if (series !== undefined) series.value += amount;
}

/** Istio's standard metrics of one proxy. */
export class IstioMetrics {
  readonly #families = new Map<MetricName, Held>();
  readonly #live = new Set<() => void>();
  #dropped = 0;
  /** Istio's release that the proxy is of; undefined: none that is told. */
  readonly release: string | undefined;

  constructor(release?: string) {
    this.release = release;
  }

  requestSeries(facts: RequestFacts, plan: StatsPlan, subject: FormatSubject): RequestSeries {
    const of = { labels: requestLabels(facts), plan, subject };
    return {
      requests: this.#counter('requests_total', of),
      duration: this.#histogram('request_duration_milliseconds', of),
      requestBytes: this.#histogram('request_bytes', of),
      responseBytes: this.#histogram('response_bytes', of),
    };
  }

  record(series: RequestSeries, figures: RequestFigures): void {
    if (series.requests !== undefined) series.requests.value++;
    series.duration?.histogram.record(figures.durationMs);
    series.requestBytes?.histogram.record(figures.requestBytes);
    series.responseBytes?.histogram.record(figures.responseBytes);
  }

  /** Counts messages of a gRPC call. */
  countMessages(facts: RequestFacts, plan: StatsPlan, { subject, requests, responses }: CountedCall): void {
    const of = { labels: callLabels(facts), plan, subject };
    add(this.#counter('request_messages_total', of), requests.count);
    add(this.#counter('response_messages_total', of), responses.count);
  }

  tcpSeries(facts: ConnectionFacts, plan: StatsPlan, subject: FormatSubject): TcpSeries {
    const of = { labels: tcpLabels(facts), plan, subject };
    return {
      opened: this.#counter('tcp_connections_opened_total', of),
      closed: this.#counter('tcp_connections_closed_total', of),
      sentBytes: this.#counter('tcp_sent_bytes_total', of),
      receivedBytes: this.#counter('tcp_received_bytes_total', of),
    };
  }

  /** Open connections add their bytes when somebody reads. Returns how to leave. */
  whileOpen(report: () => void): () => void {
    this.#live.add(report);
    return () => this.#live.delete(report);
  }

  /** Everything counted so far, in the order in which it first was. */
  families(): readonly MetricFamily[] {
    for (const report of this.#live) report();
    return [...this.#families].map(([name, { counters, histograms }]) => ({
      name: `istio_${name}` as const,
      counters: [...counters.values()],
      histograms: [...histograms.values()],
    }));
  }

  /** Figures not counted because too many label sets exist. */
  get dropped(): number {
    return this.#dropped;
  }

  #counter(name: MetricName, of: Labelled): CounterSeries | undefined {
    return this.#find(
      name,
      of,
      (held) => held.counters,
      (labels) => ({ labels, value: 0 }),
    );
  }

  #histogram(name: MetricName, of: Labelled): HistogramSeries | undefined {
    return this.#find(
      name,
      of,
      (held) => held.histograms,
      (labels) => ({ labels, histogram: new Histogram() }),
    );
  }

  #find<Series>(
    name: MetricName,
    { labels: given, plan, subject }: Labelled,
    choose: (held: Held) => Map<string, Series>,
    make: (labels: Labels) => Series,
  ): Series | undefined {
    if (plan.dropped.has(name)) return undefined;
    const labels = changed(given, plan.changes.get(name), subject);
    let held = this.#families.get(name);
    if (held === undefined) {
      held = { counters: new Map(), histograms: new Map() };
      this.#families.set(name, held);
    }
    const known = choose(held);
    const key = JSON.stringify(labels);
    let series = known.get(key);
    if (series === undefined) {
      if (known.size >= MAX_SERIES) {
        this.#dropped++;
        return undefined;
      }
      series = make(labels);
      known.set(key, series);
    }
    return series;
  }
}

/** Labels keep their places; new ones come behind. */
function changed(
  labels: Labels,
  changes: ReadonlyMap<string, LabelChange> | undefined,
  subject: FormatSubject,
): Labels {
  if (changes === undefined) return labels;
  const out: Record<string, string> = { ...labels };
  for (const [label, change] of changes) {
    if (change === 'removed') delete out[label];
    else out[label] = asLabel(change(subject));
  }
  return out;
}

/** What an expression that failed stands for is not known. */
function asLabel(value: unknown): string {
  if (value === undefined) return 'unknown';
  if (value === null) return 'NULL';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

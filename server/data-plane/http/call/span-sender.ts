import type { Clock, HopRecord, Timer } from '#domain';
import { otlpBytes, type Span, spansOf, zipkinBody } from '#telemetry';
import type { SpanCollector } from '../../config/span-collector.ts';
import type { ProxyRuntime, ProxySelf } from '../../runtime.ts';
import { Headers } from '../headers.ts';
import { callAsync } from './async-call.ts';
import { grpcFrame, grpcHead } from './grpc-call.ts';

/** Envoy's `tracing.*.min_flush_spans` and `flush_interval_ms`. */
const BATCH = 5;
const FLUSH_MS = 5000;
/** Spans that are on their way at most, to one collector; more are dropped. */
const MOST = 4096;

interface Queue {
  readonly collector: SpanCollector;
  spans: Span[];
  timer: Timer | undefined;
  underWay: number;
}

/** Sends the spans of one proxy to the collectors that its configuration names, over its own clusters. Never holds a request up. */
export class SpanSender {
  readonly #clock: Clock;
  readonly #runtime: () => ProxyRuntime;
  readonly #on: boolean;
  readonly #queues = new Map<string, Queue>();

  /** `on: false`: nothing is ever sent. */
  constructor({ clock, runtime, on }: { clock: Clock; runtime: () => ProxyRuntime; on: boolean }) {
    this.#clock = clock;
    this.#runtime = runtime;
    this.#on = on;
  }

  send(collector: SpanCollector, hop: HopRecord): void {
    if (!this.#on || hop.sampled === false) return;
    const key = `${collector.format} ${collector.cluster} ${collector.path}`;
    const queue = this.#queues.get(key) ?? { collector, spans: [], timer: undefined, underWay: 0 };
    this.#queues.set(key, queue);
    const shownAs = this.#runtime().clusters.get(hop.cluster)?.config.resource.alt_stat_name;
    const { service } = collector;
    const own = spansOf(hop, shownAs);
    const spans = service === undefined ? own : own.map((span) => ({ ...span, service }));
    if (queue.spans.length + queue.underWay + spans.length > MOST) {
      this.#count(collector, 'spans_dropped', spans.length);
      return;
    }
    queue.spans.push(...spans);
    if (queue.spans.length >= BATCH) this.#flush(queue);
    else queue.timer ??= this.#clock.after(FLUSH_MS, () => this.#flush(queue));
  }

  /** What waits is sent; nothing waits for the answers. */
  stop(): void {
    for (const queue of this.#queues.values()) this.#flush(queue);
  }

  #flush(queue: Queue): void {
    queue.timer?.cancel();
    queue.timer = undefined;
    const { collector, spans } = queue;
    if (spans.length === 0) return;
    queue.spans = [];
    queue.underWay += spans.length;
    const runtime = this.#runtime();
    if (collector.format === 'zipkin') this.#count(collector, 'spans_sent', spans.length);
    callAsync({
      runtime,
      cluster: collector.cluster,
      google: collector.google,
      timeoutMs: collector.timeoutMs,
      ...written(collector, spans, runtime.self),
      onDone: (answer) => {
        queue.underWay -= spans.length;
        const status = typeof answer === 'string' ? 0 : answer.head.status;
        // Source: ReporterImpl in Envoy's source/extensions/tracers/zipkin: only "accepted" counts.
        if (collector.format === 'zipkin')
          this.#count(collector, status === 202 ? 'reports_sent' : 'reports_dropped', 1);
        else if (status > 0 && status < 300) {
          this.#count(collector, 'spans_sent', spans.length);
          this.#count(collector, 'reports_sent', 1);
        } else this.#count(collector, 'reports_dropped', 1);
      },
    });
  }

  #count({ format }: SpanCollector, name: string, count: number): void {
    this.#runtime().stats.stat(`tracing.${format === 'zipkin' ? 'zipkin' : 'opentelemetry'}.${name}`).value += count;
  }
}

function written(
  collector: SpanCollector,
  spans: readonly Span[],
  { ip, environment }: ProxySelf,
): Pick<Parameters<typeof callAsync>[0], 'head' | 'body'> {
  const { format, authority, path, headers } = collector;
  const attributes = collector.detectsEnvironment ? detected(environment) : {};
  const overGrpc = format === 'otlp-grpc';
  const payload = format === 'zipkin' ? Buffer.from(zipkinBody(spans, ip)) : Buffer.from(otlpBytes(spans, attributes));
  const body = overGrpc ? grpcFrame(payload) : payload;
  const type = { zipkin: 'application/json', 'otlp-http': 'application/x-protobuf', 'otlp-grpc': 'application/grpc' }[
    format
  ];
  return {
    body,
    head:
      collector.google !== undefined
        ? grpcHead(path, { ...collector, metadata: headers }, ip)
        : {
            method: 'POST',
            path,
            authority,
            scheme: 'http',
            protocol: overGrpc ? 'HTTP/2' : 'HTTP/1.1',
            headers: Headers.of({
              'content-type': type,
              ...(overGrpc ? { te: 'trailers' } : { 'content-length': String(body.length) }),
              'x-envoy-internal': 'true',
              'x-forwarded-for': ip,
              ...Object.fromEntries(headers),
            }),
          },
  };
}

/** `k=v,k2=v2`. Source: EnvironmentResourceDetector of Envoy. */
function detected(environment: ProxySelf['environment']): Record<string, string> {
  const given = environment['OTEL_RESOURCE_ATTRIBUTES'] ?? '';
  const pairs = given.split(',').map((pair) => pair.split('='));
  return Object.fromEntries(
    pairs.flatMap(([key = '', value]) => (value === undefined ? [] : [[key.trim(), value.trim()]])),
  );
}

import type { Clock, HopRecord, Timer } from '#domain';
import { errorMessage } from '#domain';
import { otlpBody } from './otlp.ts';
import { type Span, spansOf } from './span.ts';
import { zipkinBody } from './zipkin.ts';

/** Spans that wait at most; more are dropped and counted. */
const QUEUE = 4096;
const BATCH = 512;
const FLUSH_MS = 1000;
const SEND_TIMEOUT_MS = 10_000;

export type SpanFormat = 'otlp' | 'zipkin';

export interface SpanExporterOptions {
  readonly format: SpanFormat;
  /** Base URL of the collector: `http://127.0.0.1:4318` (OTLP over HTTP), `http://127.0.0.1:9411` (Zipkin). */
  readonly url: string;
  readonly clock: Clock;
  /** Told when the collector cannot be reached, and when it can again. */
  readonly onLog: (line: string) => void;
}

/** Sends sampled hops to a tracing system in batches; never holds anything up. */
export interface SpanExporter {
  export(hop: HopRecord): void;
  readonly sent: number;
  readonly dropped: number;
  /** Sends what waits, then ends. */
  stop(): Promise<void>;
}

const FORMATS = {
  otlp: { path: '/v1/traces', body: otlpBody },
  zipkin: { path: '/api/v2/spans', body: zipkinBody },
} as const;

export function createSpanExporter(options: SpanExporterOptions): SpanExporter {
  return new BatchExporter(options);
}

class BatchExporter implements SpanExporter {
  sent = 0;
  dropped = 0;
  readonly #options: SpanExporterOptions;
  readonly #target: URL;
  #waiting: Span[] = [];
  #timer: Timer | undefined;
  #sending: Promise<void> = Promise.resolve();
  #reachable = true;

  constructor(options: SpanExporterOptions) {
    this.#options = options;
    const base = options.url.replace(/\/+$/, '');
    const { path } = FORMATS[options.format];
    this.#target = new URL(base.endsWith(path) ? base : base + path);
  }

  export(hop: HopRecord): void {
    if (hop.sampled === false) return;
    if (this.#waiting.length >= QUEUE) {
      this.dropped++;
      return;
    }
    this.#waiting.push(...spansOf(hop));
    if (this.#waiting.length >= BATCH) this.#flush();
    else this.#timer ??= this.#options.clock.after(FLUSH_MS, () => this.#flush());
  }

  async stop(): Promise<void> {
    this.#flush();
    await this.#sending;
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    // One batch at a time: a slow collector makes the queue fill, not the sockets.
    if (batch.length > 0) this.#sending = this.#sending.then(() => this.#send(batch));
  }

  async #send(batch: readonly Span[]): Promise<void> {
    const { format, onLog } = this.#options;
    try {
      const answer = await fetch(this.#target, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: FORMATS[format].body(batch),
        signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
      });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`it answered ${answer.status}`);
      this.sent += batch.length;
      if (!this.#reachable) onLog(`info\ttracing\t${this.#target.href} takes spans again`);
      this.#reachable = true;
    } catch (error) {
      this.dropped += batch.length;
      if (this.#reachable) onLog(`warn\ttracing\t${this.#target.href} takes no spans: ${errorMessage(error)}`);
      this.#reachable = false;
    }
  }
}

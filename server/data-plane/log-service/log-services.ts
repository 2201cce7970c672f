import type { Clock, Timer } from '#domain';
import type { ProxyRuntime } from '../runtime.ts';
import type { LogFigures, LogSender, LogTarget } from './log-target.ts';

/** Unlike Envoy, entries of TCP are bounded as well while nobody takes them. */
const MOST_UNCOUNTED_BYTES = 1024 * 1024;

/** What formats need of it. */
export interface LogTaker {
  take(target: LogTarget, entry: Uint8Array): void;
}

/** The access logs of one proxy that leave it over the network. Never holds a request up: entries that nobody takes are dropped and counted. */
export class LogServices implements LogTaker {
  readonly #runtime: () => ProxyRuntime;
  readonly #on: boolean;
  readonly #buffers = new Map<string, LogBuffer>();

  /** `on: false`: nothing is ever sent. */
  constructor({ runtime, on }: { runtime: () => ProxyRuntime; on: boolean }) {
    this.#runtime = runtime;
    this.#on = on;
  }

  take(target: LogTarget, entry: Uint8Array): void {
    if (!this.#on) return;
    let buffer = this.#buffers.get(target.key);
    if (buffer === undefined) {
      buffer = new LogBuffer(target, this.#runtime());
      this.#buffers.set(target.key, buffer);
    }
    buffer.add(entry);
  }

  /** What waits is sent; nothing waits for it to arrive. */
  stop(): void {
    for (const buffer of this.#buffers.values()) buffer.stop();
  }
}

/** Gathers entries until they are many enough or old enough. Source: GrpcAccessLogger of Envoy. */
class LogBuffer implements LogFigures {
  readonly #target: LogTarget;
  readonly #clock: Clock;
  readonly #stats: ProxyRuntime['stats'];
  readonly #sender: LogSender;
  #entries: Uint8Array[] = [];
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(target: LogTarget, runtime: ProxyRuntime) {
    this.#target = target;
    this.#clock = runtime.clock;
    this.#stats = runtime.stats;
    this.#sender = target.open(runtime, this);
    for (const name of ['logs_written', 'logs_dropped', 'grpc_entries_flushed', 'grpc_entries_flush_failed'] as const)
      this.count(name, 0);
  }

  count(name: Parameters<LogFigures['count']>[0], by: number): void {
    this.#stats.stat(this.#target.figures + name).value += by;
  }

  add(entry: Uint8Array): void {
    const { bufferBytes, flushMs, writtenWhen } = this.#target;
    const limit = writtenWhen === 'never' ? Math.max(bufferBytes, MOST_UNCOUNTED_BYTES) : bufferBytes;
    if (this.#isFull(limit)) this.#flush();
    if (this.#isFull(limit)) {
      this.count('logs_dropped', 1);
      return;
    }
    if (writtenWhen === 'taken') this.count('logs_written', 1);
    this.#entries.push(entry);
    this.#bytes += entry.length;
    if (this.#bytes >= bufferBytes) this.#flush();
    if (this.#entries.length > 0) this.#timer ??= this.#clock.after(flushMs, () => this.#due());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#flush();
  }

  #isFull = (limit: number): boolean => limit > 0 && this.#bytes >= limit;

  #due(): void {
    this.#timer = undefined;
    this.#flush();
    if (this.#entries.length > 0) this.#timer = this.#clock.after(this.#target.flushMs, () => this.#due());
  }

  #flush(): void {
    const { length } = this.#entries;
    if (length === 0) return;
    const sent = this.#sender.send(this.#entries);
    if (this.#target.writtenWhen !== 'sent')
      this.count(sent ? 'grpc_entries_flushed' : 'grpc_entries_flush_failed', length);
    if (!sent) return;
    this.#entries = [];
    this.#bytes = 0;
  }
}

import type { ProxyRuntime } from '../runtime.ts';

/** Sends what a buffer has gathered. */
export interface LogSender {
  /** False: it can take nothing now, and the same entries are offered again. */
  send(entries: readonly Uint8Array[]): boolean;
}

/** Figures below a target's prefix; a sender that learns what became of its entries counts them as written or dropped itself. */
export interface LogFigures {
  count(name: 'logs_written' | 'logs_dropped' | 'grpc_entries_flushed' | 'grpc_entries_flush_failed', by: number): void;
}

/** Where an access log goes over the network. Logs whose targets have the same key share one buffer, as in Envoy. */
export interface LogTarget {
  readonly key: string;
  /** What the names of its figures begin with: `access_logs.grpc_access_log.` */
  readonly figures: string;
  /** An entry that makes a buffer so large sends it; 0: each entry leaves at once. */
  readonly bufferBytes: number;
  readonly flushMs: number;
  /** What counts an entry as written: that it was taken, its sender, or nothing (TCP). */
  readonly writtenWhen: 'taken' | 'sent' | 'never';
  open(runtime: ProxyRuntime, figures: LogFigures): LogSender;
}

import type { AccessLogger } from '../config/access-log/index.ts';
import { NO_REQUEST } from '../format/subject.ts';
import { StreamInfo } from '../http/stream-info.ts';
import type { PendingConnection } from './pending-connection.ts';

/** What a listener's own access log tells of one connection. */
export class ConnectionLog {
  readonly info: StreamInfo;
  readonly #connection: PendingConnection;
  readonly #logs: readonly AccessLogger[];

  /** Undefined where the listener writes nothing about connections that a filter chain took. */
  static of(connection: PendingConnection): ConnectionLog | undefined {
    const { config } = connection.listener ?? {};
    return config?.logsConnections === true ? new ConnectionLog(connection, config.accessLogs) : undefined;
  }

  private constructor(connection: PendingConnection, logs: readonly AccessLogger[]) {
    const { clock } = connection.runtime;
    this.info = new StreamInfo(clock.now(), clock.monotonic());
    this.#connection = connection;
    this.#logs = logs;
  }

  /** Writes the entry of a connection that is over; `protocol` is that of its requests. */
  write(protocol: string | undefined): void {
    const { runtime, socket, tls, inspection } = this.#connection;
    const { info } = this;
    if (protocol !== undefined) {
      info.bytesReceived = socket.bytesRead;
      info.bytesSent = socket.bytesWritten;
    }
    // As in Envoy, entries of listeners are of no type; those of the filters behind tell of the same connection.
    info.logType = 'NotSet';
    info.durationMs = runtime.clock.monotonic() - info.startedAt;
    const subject = {
      head: { ...NO_REQUEST, protocol: protocol ?? '' },
      responseHead: undefined,
      info,
      runtime,
      connection: {
        ...this.#connection,
        listener: this.#connection.listener?.config,
        requestedServerName: tls?.sni ?? inspection.serverName,
      },
    };
    for (const log of this.#logs) {
      const entry = log(subject);
      if (entry !== undefined) runtime.onEntry(entry);
    }
    info.logType = '';
  }
}

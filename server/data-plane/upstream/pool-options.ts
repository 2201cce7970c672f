import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import type { AnswerLimits } from '../config/upstream-protocol.ts';
import type { TlsFacts } from '../http/codec.ts';
import type { HandshakeCounter } from '../tls/failure-reason.ts';
import type { TransportSocket } from '../tls/transport.ts';
import type { Http2Settings, PoolProtocol } from './connection-factory.ts';
import type { CircuitBreakers } from './pool-breakers.ts';
import type { PooledConnection } from './pool-connection.ts';
import type { ConnectionEnd } from './watched-socket.ts';

/** What a pool counts, by the names of Envoy's cluster statistics. */
export type PoolStat =
  | 'upstream_cx_total'
  | 'upstream_cx_connect_fail'
  | 'upstream_cx_connect_timeout'
  | 'upstream_cx_destroy'
  | 'upstream_cx_protocol_error'
  | 'upstream_cx_overflow'
  | 'upstream_cx_close_notify'
  | 'upstream_cx_max_requests'
  | 'upstream_cx_idle_timeout'
  | 'upstream_cx_max_duration_reached'
  | 'upstream_rq_pending_total'
  | 'upstream_rq_pending_overflow'
  | 'upstream_rq_active_overflow'
  | 'upstream_rq_pending_failure_eject'
  | HandshakeCounter;

export interface HostPoolOptions {
  /** Opens a TCP connection to the host; may return it before it is connected. */
  readonly connect: () => Socket;
  /** Absent: plaintext. */
  readonly transport?: TransportSocket | undefined;
  /** The same at further addresses of the host. */
  readonly further?: readonly (() => Socket)[] | undefined;
  /** What each connection begins with, before the handshake; absent: nothing. */
  readonly firstBytes?: ((socket: Socket) => Buffer) | undefined;
  /** Until the handshake is over. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  /** Shared by all pools of the cluster at this priority. */
  readonly breakers: CircuitBreakers;
  /** The host has as many connections as it may have by itself. */
  readonly hostIsFull?: (() => boolean) | undefined;
  /** Connections are made for so many times the streams that there are; default 1. */
  readonly preconnectRatio?: number | undefined;
  /** Nothing is made ahead for a host that is not; absent: it is. */
  readonly isHealthy?: (() => boolean) | undefined;
  /** 0: no limit. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** Default one hour; 0: never. */
  readonly idleTimeoutMs?: number | undefined;
  /** A connection so old takes no more streams, and closes when it has none. 0 or absent: never. */
  readonly maxConnectionDurationMs?: number | undefined;
  readonly onStat?: ((stat: PoolStat) => void) | undefined;
  readonly observer?: PoolObserver | undefined;
  /** Default HTTP/1.1. */
  readonly protocol?: PoolProtocol | undefined;
  readonly http2?: Http2Settings | undefined;
  /** The transport offers to carry HTTP/1.1 over HTTP/2 (see `http/carriage.ts`). */
  readonly offersCarriage?: boolean | undefined;
  /** Names in answers of HTTP/1.1 keep their capitals. */
  readonly keepsSpelling?: boolean | undefined;
  readonly answers?: AnswerLimits | undefined;
}

/** Learns of the connections of a pool, for statistics. */
export interface PoolObserver {
  connected(socket: Socket, tls: TlsFacts | undefined): void;
  connectTime(ms: number): void;
  speaks(protocol: PooledConnection['speaks']): void;
  /** `requests`: how many it carried; absent: it was never made. */
  connectionEnded(end: ConnectionEnd & { readonly lengthMs: number; readonly requests?: number }): void;
}

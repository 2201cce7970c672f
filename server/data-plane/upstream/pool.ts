import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import type { HostPool, ResetReason, ResponseSink, StreamWaiter } from '../http/codec.ts';
import type { ClientConnectionOwner } from '../http/h1/client-connection.ts';
import { ClientConnection } from '../http/h1/client-connection.ts';
import { LazyDeadline } from '../http/h1/lazy-deadline.ts';
import { describeTlsError } from '../tls/failure-reason.ts';
import type { SecuredSocket, TransportSocket } from '../tls/transport.ts';
import type { CircuitBreakers } from './pool-breakers.ts';
import type { ConnectOptions, ConnectWaiter } from './pool-connecting.ts';
import { ConnectAttempt } from './pool-connecting.ts';

const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000;

/** What a pool counts, by the names of Envoy's cluster statistics. */
export type PoolStat =
  | 'upstream_cx_total'
  | 'upstream_cx_connect_fail'
  | 'upstream_cx_connect_timeout'
  | 'upstream_cx_destroy'
  | 'upstream_cx_overflow'
  | 'upstream_cx_max_requests'
  | 'upstream_cx_idle_timeout'
  | 'upstream_rq_pending_total'
  | 'upstream_rq_pending_overflow'
  | 'upstream_rq_pending_failure_eject';

export interface HostPoolOptions {
  /** Opens a TCP connection to the host; may return it before it is connected. */
  readonly connect: () => Socket;
  /** Absent: plaintext. */
  readonly transport?: TransportSocket | undefined;
  /** Until the handshake is over. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  /** Shared by all pools of the cluster at this priority. */
  readonly breakers: CircuitBreakers;
  /** 0: no limit. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** Default one hour; 0: never. */
  readonly idleTimeoutMs?: number | undefined;
  readonly onStat?: ((stat: PoolStat) => void) | undefined;
}

interface Pending {
  readonly sink: ResponseSink;
  readonly waiter: StreamWaiter;
}

/**
 * The HTTP/1.1 connections to one host (Envoy: source/common/conn_pool/conn_pool_base.cc). One stream per connection; the connection
 * used last is taken first. A stream without a connection waits for one of its own being opened, or for the first that becomes free.
 */
export function createHostPool(options: HostPoolOptions): HostPool {
  return new Http1HostPool(options);
}

class Http1HostPool implements HostPool, ClientConnectionOwner, ConnectWaiter {
  readonly #options: HostPoolOptions;
  readonly #breakers: CircuitBreakers;
  readonly #connectOptions: ConnectOptions;
  /** Connections without a stream; the last was used last. */
  readonly #idle: ClientConnection[] = [];
  /** Every open connection and the end of its idleness. */
  readonly #open = new Map<ClientConnection, LazyDeadline>();
  readonly #attempts = new Set<ConnectAttempt>();
  readonly #pending = new Set<Pending>();
  #activeStreams = 0;
  #draining = false;
  #closed = false;

  constructor(options: HostPoolOptions) {
    this.#options = options;
    this.#breakers = options.breakers;
    this.#connectOptions = {
      connect: options.connect,
      transport: options.transport,
      timeoutMs: options.connectTimeoutMs,
      clock: options.clock,
    };
  }

  get activeConnections(): number {
    return this.#open.size + this.#attempts.size;
  }

  get activeStreams(): number {
    return this.#activeStreams;
  }

  get pendingStreams(): number {
    return this.#pending.size;
  }

  newStream(sink: ResponseSink, waiter: StreamWaiter): () => void {
    const limits = this.#breakers.limits;
    const full = this.#idle.length > 0 && this.#breakers.requests >= limits.maxRequests;
    if (full || (this.#idle.length === 0 && this.#breakers.pendingRequests >= limits.maxPendingRequests)) {
      this.#stat('upstream_rq_pending_overflow');
      waiter.failed('overflow', '');
      return nothingToCancel;
    }
    const connection = this.#idle.pop();
    if (connection !== undefined) {
      this.#attach(connection, sink, waiter);
      return nothingToCancel;
    }
    if (this.#draining) {
      waiter.failed('local_reset', 'host was removed');
      return nothingToCancel;
    }
    const pending: Pending = { sink, waiter };
    this.#pending.add(pending);
    this.#breakers.pendingRequests++;
    this.#stat('upstream_rq_pending_total');
    this.#connectForPending();
    return () => this.#removePending(pending);
  }

  drain(): void {
    this.#draining = true;
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  close(): void {
    this.#draining = true;
    this.#closed = true;
    for (const attempt of this.#attempts) attempt.abandon();
    this.#breakers.connections -= this.#attempts.size;
    this.#attempts.clear();
    this.#failPending('local_reset', 'pool was closed');
    for (const connection of [...this.#open.keys()]) connection.close();
  }

  // What connections and attempts tell.

  connected(attempt: ConnectAttempt, result: SecuredSocket): void {
    this.#attempts.delete(attempt);
    const connection = new ClientConnection(result.socket, result.tls, this);
    const deadline = new LazyDeadline(this.#options.clock, () => {
      this.#stat('upstream_cx_idle_timeout');
      connection.close();
    });
    this.#open.set(connection, deadline);
    this.#offer(connection);
  }

  /** As in Envoy, everything that waits fails with the attempt: the host does not answer, the router decides what next. */
  failed(attempt: ConnectAttempt, reason: ResetReason, detail: string): void {
    this.#attempts.delete(attempt);
    this.#breakers.connections--;
    this.#stat('upstream_cx_connect_fail');
    if (reason === 'connection_timeout') this.#stat('upstream_cx_connect_timeout');
    this.#failPending(reason, detail);
  }

  onStreamEnd(connection: ClientConnection, reusable: boolean): void {
    this.#activeStreams--;
    this.#breakers.requests--;
    if (!reusable) return;
    const limit = this.#options.maxRequestsPerConnection ?? 0;
    const worn = limit > 0 && connection.requestCount >= limit;
    if (worn) this.#stat('upstream_cx_max_requests');
    if (worn) connection.close();
    else this.#offer(connection);
  }

  onGone(connection: ClientConnection): void {
    const deadline = this.#open.get(connection);
    if (deadline === undefined) return;
    deadline.stop();
    this.#open.delete(connection);
    this.#breakers.connections--;
    this.#stat('upstream_cx_destroy');
    const place = this.#idle.lastIndexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
    this.#connectForPending();
  }

  describe(error: Error): string {
    return describeTlsError(error);
  }

  /** A free connection: to the stream that waits longest, or to the idle ones. */
  #offer(connection: ClientConnection): void {
    for (const pending of this.#pending) {
      this.#removePending(pending);
      if (this.#breakers.requests < this.#breakers.limits.maxRequests) {
        this.#attach(connection, pending.sink, pending.waiter);
        return;
      }
      this.#stat('upstream_rq_pending_overflow');
      pending.waiter.failed('overflow', '');
    }
    if (this.#draining) {
      connection.close();
      return;
    }
    this.#idle.push(connection);
    this.#open.get(connection)?.set(this.#options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS);
  }

  #attach(connection: ClientConnection, sink: ResponseSink, waiter: StreamWaiter): void {
    this.#open.get(connection)?.clear();
    this.#activeStreams++;
    this.#breakers.requests++;
    waiter.ready(connection.open(sink));
  }

  /** Opens connections until each waiting stream has one on its way, as far as the circuit breaker allows. */
  #connectForPending(): void {
    while (!this.#closed && this.#attempts.size < this.#pending.size) {
      const full = this.#breakers.connections >= this.#breakers.limits.maxConnections;
      if (full) this.#stat('upstream_cx_overflow');
      // A host without any connection gets one even so; what waits here could otherwise wait for ever.
      if (full && this.activeConnections > 0) return;
      this.#breakers.connections++;
      this.#stat('upstream_cx_total');
      const attempt = new ConnectAttempt(this.#connectOptions, this);
      this.#attempts.add(attempt);
      attempt.start();
    }
  }

  #removePending(pending: Pending): void {
    if (this.#pending.delete(pending)) this.#breakers.pendingRequests--;
  }

  #failPending(reason: ResetReason, detail: string): void {
    for (const pending of [...this.#pending]) {
      if (!this.#pending.has(pending)) continue;
      this.#removePending(pending);
      this.#stat('upstream_rq_pending_failure_eject');
      pending.waiter.failed(reason, detail);
    }
  }

  #stat(stat: PoolStat): void {
    this.#options.onStat?.(stat);
  }
}

function nothingToCancel(): void {
  // The stream was given or refused at once.
}

import type { HandshakeRecord, Timer } from '#domain';
import { nextConnectionId } from '../connection-ids.ts';
import type { HostPool, ResetReason, ResponseSink, StreamWaiter } from '../http/codec.ts';
import { LazyDeadline } from '../http/h1/lazy-deadline.ts';
import { describeTlsError, handshakeCounter } from '../tls/failure-reason.ts';
import type { SecuredSocket } from '../tls/transport.ts';
import { ConnectionFactory } from './connection-factory.ts';
import { type CircuitBreakers, NO_ROOM_TO_WAIT } from './pool-breakers.ts';
import type { ConnectOptions, ConnectWaiter } from './pool-connecting.ts';
import { ConnectAttempt } from './pool-connecting.ts';
import type { PooledConnection, PooledConnectionOwner } from './pool-connection.ts';
import type { HostPoolOptions, PoolStat } from './pool-options.ts';
import { WatchedSocket } from './watched-socket.ts';

const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000;
/** Connections that are begun in one go, whatever waits. */
const MOST_AT_ONCE = 3;

/** What is remembered of an open connection. */
interface OpenConnection {
  readonly socket: WatchedSocket | undefined;
  readonly beganAt: number;
  /** The end of its life, where that has one. */
  readonly age: Timer | undefined;
}

interface Pending {
  readonly sink: ResponseSink;
  readonly waiter: StreamWaiter;
}

/**
 * The connections to one host (Envoy: source/common/conn_pool/conn_pool_base.cc). The connection used last is taken first, as long as it
 * takes streams: one at a time with HTTP/1.1, many with HTTP/2. A stream without a connection waits for one being opened, or for the first
 * that becomes free.
 */
export function createHostPool(options: HostPoolOptions): HostPool {
  return new ConnectionPool(options);
}

class ConnectionPool implements HostPool, PooledConnectionOwner, ConnectWaiter {
  readonly #options: HostPoolOptions;
  readonly #breakers: CircuitBreakers;
  readonly #connectOptions: ConnectOptions;
  readonly #factory: ConnectionFactory;
  /** Connections that take a stream at once; the last was used last. */
  readonly #ready: PooledConnection[] = [];
  readonly #open = new Map<PooledConnection, OpenConnection>();
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
      further: options.further,
      onFurther: () => this.#stat('upstream_cx_total'),
      transport: options.transport,
      firstBytes: options.firstBytes,
      timeoutMs: options.connectTimeoutMs,
      clock: options.clock,
    };
    this.#factory = new ConnectionFactory(this, {
      protocol: options.protocol ?? 'http1',
      http2: options.http2 ?? {},
      clock: options.clock,
      offersCarriage: options.offersCarriage === true,
      keepsSpelling: options.keepsSpelling,
      answers: options.answers,
    });
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

  get freeStreams(): number {
    const perConnection = this.#factory.expectedStreams;
    const free = this.#ready.reduce(
      (sum, each) => sum + Math.min(perConnection - each.activeStreams, this.#mostRequests - each.requestCount),
      0,
    );
    return this.#streamsOnTheirWay + free;
  }

  /** Source: maybePreconnectImpl in conn_pool_base.cc of Envoy. */
  preconnect(ratio: number): boolean {
    if (this.#draining || this.#closed || this.#options.isHealthy?.() === false) return false;
    const wanted = (this.#pending.size + this.#activeStreams + 1) * ratio;
    return wanted > this.freeStreams + this.#activeStreams && this.#openOne();
  }

  newStream(sink: ResponseSink, waiter: StreamWaiter): () => void {
    const limits = this.#breakers.limits;
    const connection = this.#readyConnection();
    const full =
      connection === undefined
        ? this.#breakers.pendingRequests >= limits.maxPendingRequests
        : this.#breakers.requests >= limits.maxRequests;
    if (full) {
      this.#stat(connection === undefined ? 'upstream_rq_pending_overflow' : 'upstream_rq_active_overflow');
      waiter.failed('overflow', connection === undefined ? NO_ROOM_TO_WAIT : '');
      return nothingToCancel;
    }
    if (connection !== undefined) {
      this.#attach(connection, sink, waiter);
      if (this.#preconnects) this.#openConnections();
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
    this.#openConnections();
    return () => this.#removePending(pending);
  }

  drain(): void {
    this.#draining = true;
    this.renew();
  }

  renew(): void {
    for (const connection of this.#ready) connection.ready = false;
    this.#ready.length = 0;
    for (const connection of [...this.#open.keys()]) connection.drain();
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
    const { clock, observer } = this.#options;
    const socket = observer && new WatchedSocket(result.socket);
    observer?.connected(result.socket, result.tls);
    const now = clock.monotonic();
    observer?.connectTime(now - attempt.startedAt);
    const connection = this.#factory.fromSocket(result);
    const { startedAt: begunAt, connectedAt } = attempt;
    const securedAt = result.tls === undefined ? undefined : now;
    connection.facts = { id: nextConnectionId(), begunAt, connectedAt, securedAt };
    this.#adopt(connection, socket);
  }

  /** As in Envoy, everything that waits fails with the attempt: the host does not answer, the router decides what next. */
  failed(attempt: ConnectAttempt, reason: ResetReason, detail: string, handshake?: HandshakeRecord): void {
    this.#attempts.delete(attempt);
    this.#breakers.connections--;
    this.#stat('upstream_cx_connect_fail');
    this.#stat('upstream_cx_destroy');
    const { observer, protocol = 'http1' } = this.#options;
    if (protocol !== 'alpn') observer?.speaks(protocol);
    const by = reason === 'connection_timeout' ? 'local' : 'remote';
    observer?.connectionEnded({ by, busy: false, lengthMs: this.#options.clock.monotonic() - attempt.startedAt });
    const counter = handshakeCounter(detail);
    if (counter !== undefined) this.#stat(counter);
    if (reason === 'connection_timeout') this.#stat('upstream_cx_connect_timeout');
    this.#failPending(reason, detail, handshake);
  }

  onStreamEnd(connection: PooledConnection, reusable: boolean): void {
    this.#activeStreams--;
    this.#breakers.requests--;
    if (!reusable) return;
    if (!this.#isWorn(connection)) this.#offer(connection);
    else {
      connection.drain();
      // As in Envoy, whose pool of HTTP/1.1 looks again after every answer, which counts where it may not open enough.
      if (this.#pending.size > 0 && connection.speaks === 'http1') setImmediate(() => this.#openConnections());
    }
  }

  onCloseNotice(): void {
    this.#stat('upstream_cx_close_notify');
  }

  onAvailability(connection: PooledConnection): void {
    if (!this.#open.has(connection)) return;
    if (connection.available) this.#offer(connection);
    else this.#withdraw(connection);
  }

  onGone(connection: PooledConnection): void {
    const open = this.#open.get(connection);
    if (open === undefined) return;
    connection.idleness?.stop();
    open.age?.cancel();
    this.#open.delete(connection);
    this.#breakers.connections--;
    this.#stat('upstream_cx_destroy');
    if (connection.violated) this.#stat('upstream_cx_protocol_error');
    const { clock, observer } = this.#options;
    const by = connection.endedBy ?? (open.socket?.endedByPeer === true ? 'remote' : 'local');
    const lengthMs = clock.monotonic() - open.beganAt;
    const requests = connection.speaks === 'tcp' ? {} : { requests: connection.requestCount };
    observer?.connectionEnded({ by, busy: connection.brokeOff, lengthMs, ...requests });
    this.#withdraw(connection);
    this.#openConnections();
  }

  describe(error: Error): string {
    return describeTlsError(error);
  }

  /** A connection that was just made. */
  #adopt(connection: PooledConnection, socket: WatchedSocket | undefined): void {
    connection.idleness = new LazyDeadline(this.#options.clock, () => {
      this.#stat('upstream_cx_idle_timeout');
      connection.close();
    });
    this.#options.observer?.speaks(connection.speaks);
    const { clock, maxConnectionDurationMs = 0 } = this.#options;
    const age =
      maxConnectionDurationMs > 0 ? clock.after(maxConnectionDurationMs, () => this.#retire(connection)) : undefined;
    this.#open.set(connection, { socket, beganAt: clock.monotonic(), age });
    this.#offer(connection);
  }

  /** It has lived its time. */
  #retire(connection: PooledConnection): void {
    this.#stat('upstream_cx_max_duration_reached');
    this.#withdraw(connection);
    connection.drain();
  }

  /** A connection that takes streams: to those that wait longest, then to the ready ones. */
  #offer(connection: PooledConnection): void {
    if (this.#pending.size > 0) {
      this.#servePending(connection);
      if (this.#pending.size > 0) this.#openConnections();
    }
    if (this.#draining) {
      connection.drain();
      return;
    }
    if (!connection.ready && connection.available && !this.#isWorn(connection)) {
      connection.ready = true;
      this.#ready.push(connection);
    }
    if (connection.activeStreams > 0) return;
    connection.idleness?.set(this.#options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS);
  }

  #servePending(connection: PooledConnection): void {
    for (const pending of this.#pending) {
      if (!connection.available || this.#isWorn(connection)) return;
      this.#removePending(pending);
      if (this.#breakers.requests < this.#breakers.limits.maxRequests) {
        this.#attach(connection, pending.sink, pending.waiter);
      } else {
        this.#stat('upstream_rq_active_overflow');
        pending.waiter.failed('overflow', '');
      }
    }
  }

  #attach(connection: PooledConnection, sink: ResponseSink, waiter: StreamWaiter): void {
    connection.idleness?.clear();
    this.#activeStreams++;
    this.#breakers.requests++;
    const stream = connection.open(sink);
    const isWorn = this.#isWorn(connection);
    if (isWorn) this.#stat('upstream_cx_max_requests');
    if (isWorn || !connection.available) this.#withdraw(connection);
    waiter.ready(stream, connection.facts);
  }

  /** The one used last that still takes a stream; others come back when one of their streams ends. */
  #readyConnection(): PooledConnection | undefined {
    for (;;) {
      const connection = this.#ready.at(-1);
      if (connection === undefined || connection.available) return connection;
      this.#ready.pop();
      connection.ready = false;
    }
  }

  /** It has carried as many streams as one connection may. */
  #isWorn(connection: PooledConnection): boolean {
    return connection.requestCount >= this.#mostRequests;
  }

  /** Requests that one connection carries in its life. */
  get #mostRequests(): number {
    return this.#options.maxRequestsPerConnection || Number.POSITIVE_INFINITY;
  }

  #withdraw(connection: PooledConnection): void {
    if (!connection.ready) return;
    connection.ready = false;
    // The one that was just given a stream stands last.
    if (this.#ready.at(-1) === connection) {
      this.#ready.pop();
      return;
    }
    const place = this.#ready.lastIndexOf(connection);
    if (place >= 0) this.#ready.splice(place, 1);
  }

  /** Opens connections until each waiting stream has one on its way, as far as the circuit breakers allow. */
  #openConnections(): void {
    for (let made = 0; made < MOST_AT_ONCE && !this.#closed && this.#lacksConnections; made++)
      if (!this.#openOne()) return;
  }

  /** Whether the circuit breakers allow it, and perhaps one more. */
  #openOne(): boolean {
    const full =
      this.#breakers.connections >= this.#breakers.limits.maxConnections || this.#options.hostIsFull?.() === true;
    if (full) this.#stat('upstream_cx_overflow');
    // A host without any connection gets one even so; what waits here could otherwise wait for ever.
    if (full && this.activeConnections > 0) return false;
    this.#breakers.connections++;
    this.#breakers.everConnected = true;
    this.#stat('upstream_cx_total');
    const ready = this.#factory.withoutSocket();
    if (ready !== undefined) {
      const now = this.#options.clock.monotonic();
      ready.facts = { id: nextConnectionId(), begunAt: now, connectedAt: now, securedAt: now };
      this.#adopt(ready, undefined);
      return !full;
    }
    const attempt = new ConnectAttempt(this.#connectOptions, this);
    this.#attempts.add(attempt);
    attempt.start();
    return !full;
  }

  get #preconnects(): boolean {
    return (this.#options.preconnectRatio ?? 1) > 1;
  }

  /** Source: ConnPoolImplBase::shouldConnect in Envoy. */
  get #lacksConnections(): boolean {
    const { preconnectRatio = 1 } = this.#options;
    const { isHealthy } = this.#options;
    if (preconnectRatio === 1 || isHealthy?.() === false) return this.#streamsOnTheirWay < this.#pending.size;
    if (this.#draining) return false;
    return (this.#pending.size + this.#activeStreams) * preconnectRatio > this.freeStreams + this.#activeStreams;
  }

  /** What the connections being made will probably take. */
  get #streamsOnTheirWay(): number {
    if (this.#attempts.size === 0) return 0;
    return this.#attempts.size * Math.min(this.#factory.expectedStreams, this.#mostRequests);
  }

  #removePending(pending: Pending): void {
    if (this.#pending.delete(pending)) this.#breakers.pendingRequests--;
  }

  #failPending(reason: ResetReason, detail: string, handshake?: HandshakeRecord): void {
    for (const pending of [...this.#pending]) {
      if (!this.#pending.has(pending)) continue;
      this.#removePending(pending);
      this.#stat('upstream_rq_pending_failure_eject');
      pending.waiter.failed(reason, detail, handshake);
    }
  }

  #stat(stat: PoolStat): void {
    this.#options.onStat?.(stat);
  }
}

function nothingToCancel(): void {
  // The stream was given or refused at once.
}

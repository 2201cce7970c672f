import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import type { ResponseSink, TlsFacts, UpstreamConnection, UpstreamStream } from '../http/codec.ts';
import type { LazyDeadline } from '../http/h1/lazy-deadline.ts';
import { Http2ClientConnection, type Http2ClientOwner } from '../http/h2/client-connection.ts';
import type { StreamKeeper } from '../http/h2/client-stream.ts';
import type { PooledConnection, PooledConnectionOwner } from './pool-connection.ts';

/**
 * One HTTP/2 connection between two proxies of this project that carries what would else be many connections of HTTP/1.1: its lanes. A pool
 * counts, limits and retires lanes exactly as it would those connections; only the wire is shared.
 */
export class Carriage implements Http2ClientOwner {
  readonly #connection: Http2ClientConnection;
  readonly #owner: PooledConnectionOwner;
  readonly #lanes = new Set<Lane>();
  readonly #onGone: (carriage: Carriage) => void;

  constructor(options: {
    readonly socket: Socket;
    readonly tls: TlsFacts | undefined;
    readonly clock: Clock;
    readonly owner: PooledConnectionOwner;
    /** It carries no lane any more, or never will again. May come more than once. */
    readonly onGone: (carriage: Carriage) => void;
  }) {
    this.#owner = options.owner;
    this.#onGone = options.onGone;
    this.#connection = new Http2ClientConnection(options.socket, options.tls, this, {
      clock: options.clock,
      carriage: true,
    });
  }

  /** Whether `newLane` may be called. */
  get available(): boolean {
    return this.#connection.available && this.#lanes.size < this.#connection.capacity;
  }

  newLane(): PooledConnection {
    const lane = new Lane(this, this.#connection);
    this.#lanes.add(lane);
    return lane;
  }

  /** A lane's stream is over. */
  laneFree(lane: Lane, reusable: boolean): void {
    this.#owner.onStreamEnd(lane, reusable);
  }

  laneGone(lane: Lane): void {
    if (!this.#lanes.delete(lane)) return;
    this.#owner.onGone(lane);
    if (this.#lanes.size > 0) return;
    this.#onGone(this);
    this.#connection.drain();
  }

  onCloseNotice(): void {
    this.#owner.onCloseNotice();
  }

  /** The peer goes away: lanes without a stream end now, the others with theirs. */
  onAvailability(): void {
    if (this.#connection.takesStreams) return;
    this.#onGone(this);
    for (const lane of [...this.#lanes]) if (lane.activeStreams === 0 && !lane.available) lane.close();
  }

  onGone(): void {
    this.#onGone(this);
    for (const lane of [...this.#lanes]) this.laneGone(lane);
  }

  describe(error: Error): string {
    return this.#owner.describe(error);
  }
}

/** Stands for one connection of HTTP/1.1: one stream at a time. */
class Lane implements PooledConnection, StreamKeeper {
  readonly speaks = 'http1';
  idleness: LazyDeadline | undefined = undefined;
  facts: UpstreamConnection | undefined = undefined;
  ready = false;
  brokeOff = false;
  requestCount = 0;
  readonly #carriage: Carriage;
  readonly #connection: Http2ClientConnection;
  #stream: UpstreamStream | undefined = undefined;
  #sink: ResponseSink | undefined = undefined;
  #draining = false;

  constructor(carriage: Carriage, connection: Http2ClientConnection) {
    this.#carriage = carriage;
    this.#connection = connection;
  }

  get activeStreams(): number {
    return this.#stream === undefined ? 0 : 1;
  }

  get available(): boolean {
    return this.#stream === undefined && !this.#draining && this.#connection.available;
  }

  open(sink: ResponseSink): UpstreamStream {
    this.#stream = this.#connection.open(sink, this, this.requestCount > 0);
    this.#sink = sink;
    this.requestCount++;
    return this.#stream;
  }

  onStreamEnd(clean: boolean): void {
    this.#stream = undefined;
    this.#sink = undefined;
    if (!clean) this.brokeOff = true;
    const reusable = clean && this.available;
    this.#carriage.laneFree(this, reusable);
    if (!reusable) this.#carriage.laneGone(this);
  }

  drain(): void {
    this.#draining = true;
    if (this.#stream === undefined) this.#carriage.laneGone(this);
  }

  close(): void {
    const stream = this.#stream;
    const sink = this.#sink;
    this.drain();
    if (stream === undefined) return;
    stream.reset('local_reset');
    sink?.reset('connection_termination', '');
  }
}

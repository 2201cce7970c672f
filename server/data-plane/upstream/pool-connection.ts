import type { ResponseSink, UpstreamConnection, UpstreamStream } from '../http/codec.ts';
import type { LazyDeadline } from '../http/h1/lazy-deadline.ts';

/** One connection of a pool, whatever its protocol. */
export interface PooledConnection {
  /** Streams that were opened so far. */
  readonly requestCount: number;
  readonly activeStreams: number;
  /** `tcp`: the bytes of a tunnel that ends at this proxy. */
  readonly speaks: 'http1' | 'http2' | 'tcp';
  /** The end of its idleness; the pool's. */
  idleness: LazyDeadline | undefined;
  /** How it was made; the pool's. */
  facts: UpstreamConnection | undefined;
  /** It stands among those that take a stream at once; the pool's. */
  ready: boolean;
  /** Once it is over: a stream was under way when it ended. */
  readonly brokeOff: boolean;
  /** Its host broke the rules of the protocol, which ended it. */
  readonly violated?: boolean | undefined;
  /** Who ended it, where its socket does not tell. */
  readonly endedBy?: 'local' | 'remote' | undefined;
  /** Another stream may be opened now. */
  readonly available: boolean;
  /** `available` must hold. */
  open(sink: ResponseSink): UpstreamStream;
  /** Opens no more streams and closes once the last has ended. */
  drain(): void;
  close(): void;
}

/** Who keeps connections: the pool. */
export interface PooledConnectionOwner {
  /** A stream is over, however it ended. `reusable`: the connection may carry another; otherwise `onGone` follows. */
  onStreamEnd(connection: PooledConnection, reusable: boolean): void;
  /** The host says that it will close the connection. */
  onCloseNotice(): void;
  /** It takes more streams than before, or none any more. */
  onAvailability(connection: PooledConnection): void;
  /** The connection is closed and has no stream. Called once. */
  onGone(connection: PooledConnection): void;
  /** Says in Envoy's words what a socket error was. */
  describe(error: Error): string;
}

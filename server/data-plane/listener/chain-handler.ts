import type { Socket } from 'node:net';
import type { TlsFacts } from '../http/codec.ts';
import type { ConnectionContext } from './connection-context.ts';

/** Takes the connections of one filter chain. */
export interface ChainHandler {
  /** Connections with something under way. */
  readonly busy: number;
  serve(socket: Socket, context: ConnectionContext): void;
  /** Counts a connection that a filter before this handler refuses to let in. */
  turnedAway(socket: Socket, tls?: TlsFacts): void;
  /** Connections end after what they are doing. */
  drain(): void;
  close(): void;
}

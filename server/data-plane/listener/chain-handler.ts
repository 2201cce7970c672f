import type { Socket } from 'node:net';
import type { ConnectionContext } from './connection-context.ts';

/** Takes the connections of one filter chain. */
export interface ChainHandler {
  /** Connections with something under way. */
  readonly busy: number;
  /** Connections that are open, busy or not. */
  readonly connections: number;
  serve(socket: Socket, context: ConnectionContext): void;
  /** Counts a connection that never comes to this handler: a filter before it refuses it, or its TLS handshake fails (`secured`). */
  turnedAway(socket: Socket, secured?: boolean): void;
  /** Connections end after what they are doing. */
  drain(): void;
  close(): void;
}

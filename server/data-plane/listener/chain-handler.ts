import type { Socket } from 'node:net';
import type { ConnectionContext } from './connection-context.ts';

/** `secured`: it was one of TLS, which it is not while the listener has no certificate. */
export interface BrokenHandshake {
  readonly secured: boolean;
}

/** Takes the connections of one filter chain. */
export interface ChainHandler {
  /** Connections with something under way. */
  readonly busy: number;
  /** Connections that are open, busy or not. */
  readonly connections: number;
  serve(socket: Socket, context: ConnectionContext): void;
  /** Counts a connection that never comes to this handler: a filter before it refuses it, or its handshake fails. */
  turnedAway(socket: Socket, broken?: BrokenHandshake): void;
  /** Connections end after what they are doing. */
  drain(): void;
  close(): void;
}

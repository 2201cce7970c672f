import type { Socket } from 'node:net';
import type { HandshakeRecord } from '#domain';
import type { TlsFacts } from '../http/codec.ts';

/** A connection whose handshake is over. */
export interface SecuredSocket {
  readonly socket: Socket;
  readonly tls: TlsFacts | undefined;
}

/** Learns how a handshake ended; exactly one of the two is called. */
export interface HandshakeWaiter {
  secured(result: SecuredSocket): void;
  /** `reason` is Envoy's transport failure reason: `TLS_error:|268435581:SSL routines:…:TLS_error_end`. */
  failed(reason: string, handshake?: HandshakeRecord): void;
}

/**
 * What Envoy calls a transport socket: wraps a connected TCP socket, on the client's or the server's side. Each handshake takes the
 * certificates that are in force at that moment; connections that are open live on when they are replaced.
 */
export interface TransportSocket {
  /** The socket must be connected and unread. The wrapper owns it from now on and destroys it when the handshake fails. */
  handshake(socket: Socket, waiter: HandshakeWaiter): void;
}

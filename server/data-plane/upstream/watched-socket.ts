import type { Socket } from 'node:net';

/** How a connection ended, as statistics tell it. */
export interface ConnectionEnd {
  readonly by: 'local' | 'remote';
  /** A request was under way. */
  readonly busy: boolean;
}

/** Remembers who of the two ended a connection first. Made before anybody else listens to the socket. */
export class WatchedSocket {
  endedByPeer = false;
  resetByPeer = false;

  constructor(socket: Socket) {
    socket.once('end', () => {
      if (!socket.writableEnded && !socket.destroyed) this.endedByPeer = true;
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      this.endedByPeer = true;
      this.resetByPeer = code === 'ECONNRESET';
    });
  }
}

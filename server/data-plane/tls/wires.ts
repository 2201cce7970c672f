import type { Socket } from 'node:net';

const WIRES = new WeakMap<Socket, Socket>();

/** `secured` is TLS over `wire`. */
export function runsOver(secured: Socket, wire: Socket): void {
  WIRES.set(secured, wire);
}

/** Ends a connection by a reset: that of TLS by one of the connection below, without a word of TLS. */
export function resetSocket(socket: Socket): void {
  const wire = WIRES.get(socket);
  if (wire === undefined) socket.resetAndDestroy();
  else {
    wire.resetAndDestroy();
    socket.destroy();
  }
}

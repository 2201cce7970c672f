import type { Socket } from 'node:net';
import type { SocketAddress } from '#domain';

const destinations = new WeakMap<Socket, SocketAddress>();

/** Notes where a program's connection leads, as its system tells it: a connection that is redirected has another peer. Answers the socket. */
export function leadingTo(socket: Socket, destination: SocketAddress): Socket {
  destinations.set(socket, destination);
  return socket;
}

/** Where the connection leads: the address that was dialled, else its peer's; undefined once it has none. */
export function destinationOf(socket: Socket): SocketAddress | undefined {
  const { remoteAddress: ip, remotePort: port } = socket;
  return destinations.get(socket) ?? (ip === undefined || port === undefined ? undefined : { ip, port });
}

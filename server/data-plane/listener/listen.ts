import { createServer } from 'node:net';
import type { Listen } from '../doors.ts';
import { takeOver } from './direct-socket.ts';

/** Opens a TCP port of the host. */
export const listenOnTcp: Listen = ({ ip, port }, onSocket) => {
  // Whether one direction may end before the other is the network filter's to say.
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (accepted) => {
    const socket = takeOver(accepted);
    // A connection may break before anybody reads it; whoever reads it hears of it by 'close'.
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  const bound = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, ip, () => resolve());
  });
  return { bound, close: () => server.close() };
};

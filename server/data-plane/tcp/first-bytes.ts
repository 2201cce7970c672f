import type { Socket } from 'node:net';

/**
 * Calls back once a client has said something, or has ended its half without a word (`isData`: false). What it has said can be read as if
 * nobody had looked; the socket is left paused.
 */
export function awaitFirstBytes(socket: Socket, met: (isData: boolean) => void): void {
  const onData = (chunk: Buffer): void => {
    socket.off('end', onEnd);
    socket.off('data', onData);
    socket.pause();
    socket.unshift(chunk);
    met(true);
  };
  const onEnd = (): void => {
    socket.off('data', onData);
    met(false);
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.resume();
}

import type { Socket } from 'node:net';
import type { ContainerContext } from '../doors.ts';

export interface Peer {
  readonly host: string;
  readonly port: number;
  /** For all of it, from the dial to the result. */
  readonly timeoutMs: number;
}

/**
 * Opens a connection, lets `talk` speak until it calls `end` with the result or an error, and closes. Rejects when the
 * connection cannot be opened, when it closes before the end, and when the time is over.
 */
export function converse<Result>(
  { dial, clock, signal }: ContainerContext,
  { host, port, timeoutMs }: Peer,
  talk: (socket: Socket, end: (result: Result | Error) => void) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    let ended = false;
    const end = (result: Result | Error): void => {
      if (ended) return;
      ended = true;
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      if (result instanceof Error) {
        socket?.destroy();
        reject(result);
      } else {
        socket?.destroySoon();
        resolve(result);
      }
    };
    const onAbort = (): void => end(new Error('the program stops'));
    const timer = clock.after(timeoutMs, () => end(new Error(`connect ETIMEDOUT ${host}:${port}`)));
    signal.addEventListener('abort', onAbort, { once: true });
    dial(host, port).then((opened) => {
      socket = opened;
      opened.on('error', (error) => end(error));
      opened.on('close', () => end(new Error('Connection lost: The server closed the connection.')));
      opened.on('end', () => opened.end());
      if (ended) opened.destroy();
      else talk(opened, end);
    }, end);
  });
}

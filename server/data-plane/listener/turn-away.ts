import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '#domain';

/**
 * Closes a connection of which nothing was used. What its client has said meanwhile counts as unread, though somebody has looked at it, so
 * that the client sees a reset, as from a kernel that closes a socket with bytes in it.
 */
export function turnAway(socket: Socket): void {
  if (socket.readableLength > 0 && !socket.destroyed && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else socket.destroy();
}

/** Calls `close` at once, or after a delay unless the client leaves before. */
export function closeLater(
  clock: Clock,
  socket: Socket,
  { delayMs, close }: { delayMs: number; close: () => void },
): void {
  if (delayMs === 0) {
    close();
    return;
  }
  const timer = clock.after(delayMs, close);
  socket.once('close', () => timer.cancel());
}

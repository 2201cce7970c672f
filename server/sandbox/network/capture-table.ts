import type { Clock, SocketAddress, Timer } from '#domain';
import { formatAddress } from '#domain';

/**
 * What conntrack does for a kernel's REDIRECT: remembers, by the client's end of a connection, where it wanted to go before capture sent
 * it to the proxy.
 */
export interface CaptureTable {
  record(source: SocketAddress, original: SocketAddress): void;
  forget(source: SocketAddress): void;
  /** The original destination; waits at most `waitMs` for it, because the proxy may accept before the dialler knows its own port. */
  lookup(source: SocketAddress, waitMs: number): Promise<SocketAddress | undefined>;
}

interface Waiter {
  readonly found: (original: SocketAddress | undefined) => void;
  readonly timer: Timer;
}

export function createCaptureTable(clock: Clock): CaptureTable {
  const originals = new Map<string, SocketAddress>();
  const waiters = new Map<string, Waiter>();
  const wake = (key: string, original: SocketAddress | undefined): void => {
    const waiter = waiters.get(key);
    waiters.delete(key);
    waiter?.timer.cancel();
    waiter?.found(original);
  };
  return {
    record: (source, original) => {
      const key = formatAddress(source);
      originals.set(key, original);
      wake(key, original);
    },
    forget: (source) => originals.delete(formatAddress(source)),
    lookup: (source, waitMs) => {
      const key = formatAddress(source);
      const known = originals.get(key);
      if (known !== undefined) return Promise.resolve(known);
      wake(key, undefined);
      return new Promise((found) => {
        waiters.set(key, { found, timer: clock.after(waitMs, () => wake(key, undefined)) });
      });
    },
  };
}

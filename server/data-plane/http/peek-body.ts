import type { Exchange } from './exchange.ts';

/**
 * Waits for the request's body up to `limit` bytes and keeps it for the layer that takes it; `done` gets what has arrived, and whether that is
 * all.
 */
export function peekBody(exchange: Exchange, limit: number, done: (body: Buffer, complete: boolean) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let over = false;
  const finish = (complete: boolean): void => {
    if (over) return;
    over = true;
    exchange.holdBody(chunks, bytes);
    exchange.underWay = undefined;
    done(Buffer.concat(chunks), complete);
  };
  exchange.attachBody({
    data(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > limit) finish(false);
    },
    end: () => finish(true),
    reset: () => undefined,
    drain: () => undefined,
  });
}

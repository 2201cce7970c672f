import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import type { Clock } from '#domain';

const EVERY_MS = 50;
const PIECE_BYTES = 64 * 1024;
/** A log that has been read and is longer than this is emptied: whoever writes it appends. */
const KEPT_BYTES = 8 * 1024 * 1024;
const LF = 0x0a;

/** Somebody who reads a file that grows. */
export interface LineFollower {
  /** Hands over what has been appended meanwhile, at once. */
  read(): void;
  /** Reads what is left, and nothing after it. */
  stop(): void;
}

/** Hands over each line that is appended to a file, until it is stopped. */
export function followLines(file: string, clock: Clock, onLine: (line: string) => void): LineFollower {
  const descriptor = openSync(file, 'r+');
  const piece = Buffer.alloc(PIECE_BYTES);
  let at = 0;
  let rest = Buffer.alloc(0);
  let stopped = false;
  const read = (): void => {
    if (stopped) return;
    for (;;) {
      const bytes = readSync(descriptor, piece, 0, PIECE_BYTES, at);
      if (bytes === 0) break;
      at += bytes;
      rest = Buffer.concat([rest, piece.subarray(0, bytes)]);
      for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
        onLine(rest.toString('utf8', 0, end));
        rest = rest.subarray(end + 1);
      }
    }
    if (at > KEPT_BYTES && fstatSync(descriptor).size === at) {
      ftruncateSync(descriptor);
      at = 0;
    }
  };
  const next = (): void => {
    if (stopped) return;
    read();
    clock.after(EVERY_MS, next);
  };
  next();
  return {
    read,
    stop: () => {
      if (stopped) return;
      read();
      stopped = true;
      closeSync(descriptor);
    },
  };
}

import { overrun, type Violation } from './errors.ts';
import { MAX_WINDOW } from './frame.ts';
import type { SendScheduler } from './send-scheduler.ts';
import type { StreamTable } from './stream-table.ts';

/** A new initial window changes that of every open stream (RFC 9113 §6.9.2). */
export function shiftWindows(streams: StreamTable, scheduler: SendScheduler, change: number): Violation | undefined {
  if (change === 0) return undefined;
  for (const stream of streams.list()) {
    stream.sendWindow += change;
    if (stream.sendWindow > MAX_WINDOW) return overrun();
    if (stream.hasQueued) scheduler.wait(stream);
  }
  return undefined;
}

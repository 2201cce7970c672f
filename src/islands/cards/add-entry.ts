import type { LogEntry } from '#contract';
import { openLogStore } from './log-store.ts';
import type { NewEntry } from './use-log.ts';

/**
 * Adds one entry to the learner's log from anywhere on the site; the trainer's pages join it with the server's. False: the browser has no room
 * for it, or keeps nothing.
 */
export async function addEntry(entry: NewEntry): Promise<boolean> {
  try {
    await (await openLogStore()).append({ atMs: Date.now(), ...entry, id: crypto.randomUUID() } as LogEntry);
    return true;
  } catch (error) {
    console.info('This was not kept.', error);
    return false;
  }
}

import type { LogEntry } from '#contract';
import { openLogStore } from './log-store.ts';
import type { NewEntry } from './use-log.ts';

/** Adds one entry to the learner's log from anywhere on the site. The trainer's pages join it with the server's. */
export async function addEntry(entry: NewEntry): Promise<void> {
  try {
    await (await openLogStore()).append({ atMs: Date.now(), ...entry, id: crypto.randomUUID() } as LogEntry);
  } catch (error) {
    console.info('This was not kept.', error);
  }
}

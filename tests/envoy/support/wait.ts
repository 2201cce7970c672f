import { setTimeout as pause } from 'node:timers/promises';

const LOOK_MS = 20;

/** Asks a program outside this process, again and again, until it answers something other than undefined. */
export async function waitFor<Value>(
  what: string,
  limitMs: number,
  look: () => Promise<Value | undefined> | Value | undefined,
): Promise<Value> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(LOOK_MS);
  }
}

import { pause } from '#domain';
import type { ContainerContext } from '../doors.ts';
import { envNumber } from '../serve.ts';

/** What a service does to a request before it answers: waits, then says with which status it fails, or undefined. */
export type Trouble = () => Promise<number | undefined>;

/**
 * Slow and failing answers as the environment asks for them: DELAY_MS (0) before DELAY_PERCENT (100) of the answers, and FAIL_PERCENT (0) of the
 * answers that are FAIL_STATUS (503) instead. Read anew for each request: a strain may begin and end while the program runs.
 */
export function troubleOf(context: ContainerContext): Trouble {
  const drawn = (share: number): boolean => share > 0 && context.random.next() < share;
  return async () => {
    const delayMs = envNumber(context, 'DELAY_MS', 0);
    const delayShare = envNumber(context, 'DELAY_PERCENT', 100) / 100;
    const failShare = envNumber(context, 'FAIL_PERCENT', 0) / 100;
    if (delayMs > 0 && (delayShare >= 1 || drawn(delayShare))) await pause(context, delayMs);
    if (!drawn(failShare)) return undefined;
    return Math.trunc(Math.min(599, Math.max(400, envNumber(context, 'FAIL_STATUS', 503))));
  };
}

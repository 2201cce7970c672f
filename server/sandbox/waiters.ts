import type { Clock } from '#domain';
import { MeshworkError } from '#domain';

/** Promises that hang on a condition, looked at again after each event. */
export interface Waiters {
  until(met: () => boolean, timeoutMs: number, what: string): Promise<void>;
  /** Something happened. */
  changed(): void;
  /** Rejects all that still wait. */
  stop(): void;
}

interface Waiter {
  readonly look: () => void;
  readonly fail: (error: Error) => void;
}

export function createWaiters(clock: Clock): Waiters {
  const waiting = new Set<Waiter>();
  return {
    until: (met, timeoutMs, what) =>
      new Promise((resolve, reject) => {
        if (met()) return resolve();
        const end = (act: () => void): void => {
          waiting.delete(waiter);
          timer.cancel();
          act();
        };
        const fail = (error: Error): void => end(() => reject(error));
        const waiter: Waiter = { look: () => met() && end(resolve), fail };
        const timer = clock.after(timeoutMs, () =>
          fail(new MeshworkError('MW9303', `not within ${timeoutMs} ms: ${what}`)),
        );
        waiting.add(waiter);
      }),
    changed: () => {
      if (waiting.size === 0) return;
      for (const { look } of [...waiting]) look();
    },
    stop: () => {
      for (const { fail } of [...waiting]) fail(new MeshworkError('MW9304', 'the sandbox has stopped'));
    },
  };
}

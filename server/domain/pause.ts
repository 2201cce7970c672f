import type { Clock } from './time.ts';

/** Whose time passes, and who may end it early. */
export interface Pausing {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Resolves after `ms` of the clock, or as soon as the signal comes. */
export function pause({ clock, signal }: Pausing, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true || ms <= 0) return resolve();
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

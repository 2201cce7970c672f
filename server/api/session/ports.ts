import type { ServerEvent } from '#contract';
import type { Clock, Timer } from '#domain';

/** Sends an event to the learner's pages. */
export type Emit = (event: ServerEvent) => void;

/** Calls `run` at most once per `everyMs`, the last call never lost. */
export function createThrottle(clock: Clock, everyMs: number, run: () => void): { poke(): void; stop(): void } {
  let timer: Timer | undefined;
  let again = false;
  const fire = (): void => {
    timer = undefined;
    again = false;
    run();
  };
  return {
    poke: () => {
      again = true;
      timer ??= clock.after(everyMs, () => (again ? fire() : undefined));
    },
    stop: () => {
      timer?.cancel();
      timer = undefined;
    },
  };
}

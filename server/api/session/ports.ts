import type { ServerEvent } from '#contract';
import type { Clock, Timer } from '#domain';

/** Sends an event to the learner's pages. */
export type Emit = (event: ServerEvent) => void;

export interface Throttle {
  poke(): void;
  /** Runs at once; what was waiting is done with it. */
  flush(): void;
  stop(): void;
}

/** Calls `run` at most once per `everyMs`, the last call never lost. */
export function createThrottle(clock: Clock, everyMs: number, run: () => void): Throttle {
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
    flush: () => {
      timer?.cancel();
      fire();
    },
    stop: () => {
      timer?.cancel();
      timer = undefined;
    },
  };
}

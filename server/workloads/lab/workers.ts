import type { ContainerContext } from '../doors.ts';
import { envNumber } from '../serve.ts';

/** Runs each piece of work in its turn; undefined when it was not taken on. */
export type Workers = <Result>(work: () => Promise<Result>) => Promise<Result | undefined>;

/**
 * A program with so many workers as WORKERS says (0, the default: no limit). Further requests wait in order; QUEUE (1000) may wait, more are
 * not taken on. Work goes on although whoever asked for it has left: the program does not look.
 */
export function workersOf(context: ContainerContext): Workers {
  const waiting: (() => void)[] = [];
  let busy = 0;
  return async (work) => {
    const limit = envNumber(context, 'WORKERS', 0);
    if (limit > 0 && busy >= limit) {
      if (waiting.length >= envNumber(context, 'QUEUE', 1000)) return undefined;
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else busy += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else busy -= 1;
    }
  };
}

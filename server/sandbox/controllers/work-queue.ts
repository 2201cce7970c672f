/**
 * Turns events into reconciliations: a key that is added several times before its turn is handled once, outside the write that caused it,
 * with the change that touched it last.
 */
export interface WorkQueue {
  add(key: string, changeId: string): void;
  stop(): void;
}

export interface WorkQueueOptions {
  readonly reconcile: (key: string, changeId: string) => void;
  readonly onError: (key: string, error: unknown) => void;
  /** `soon`: right after the present work. `calm`: at the end of this turn of the loop, so that several events cost one run. */
  readonly pace?: 'soon' | 'calm';
}

/** Runs in a row after which other work gets its turn, so that two controllers that disagree cannot stop the process. */
const MAX_BURST = 200;

export function createWorkQueue({ reconcile, onError, pace = 'soon' }: WorkQueueOptions): WorkQueue {
  const waiting = new Map<string, string>();
  let scheduled = false;
  let stopped = false;
  let burst = 0;
  const drain = (): void => {
    scheduled = false;
    if (stopped) return;
    const batch = [...waiting];
    waiting.clear();
    for (const [key, changeId] of batch) {
      try {
        reconcile(key, changeId);
      } catch (error) {
        onError(key, error);
      }
    }
  };
  const endBurst = (): void => {
    burst = 0;
  };
  const schedule = (): void => {
    scheduled = true;
    if (pace === 'calm' || burst >= MAX_BURST) {
      setImmediate(drain);
      return;
    }
    if (burst++ === 0) setImmediate(endBurst);
    queueMicrotask(drain);
  };
  return {
    add: (key, changeId) => {
      waiting.set(key, changeId);
      if (!scheduled && !stopped) schedule();
    },
    stop: () => {
      waiting.clear();
      stopped = true;
    },
  };
}

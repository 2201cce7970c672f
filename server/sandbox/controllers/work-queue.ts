/**
 * Turns events into reconciliations: a key that is added several times before its turn is handled once, outside the write that caused it,
 * with the change that touched it last.
 */
export interface WorkQueue {
  add(key: string, changeId: string): void;
  stop(): void;
}

export function createWorkQueue(
  reconcile: (key: string, changeId: string) => void,
  onError: (key: string, error: unknown) => void,
): WorkQueue {
  const waiting = new Map<string, string>();
  let scheduled: NodeJS.Immediate | undefined;
  const drain = (): void => {
    scheduled = undefined;
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
  return {
    add: (key, changeId) => {
      waiting.set(key, changeId);
      scheduled ??= setImmediate(drain);
    },
    stop: () => {
      waiting.clear();
      if (scheduled !== undefined) clearImmediate(scheduled);
      scheduled = undefined;
    },
  };
}

/** Remembers one value per key for as long as the inputs it was made from are the same, by identity. */
export interface KeyedMemo {
  /** `compute` is given the value that it replaces. */
  of<Value>(key: string, inputs: readonly unknown[], compute: (previous: Value | undefined) => Value): Value;
}

interface Entry {
  readonly inputs: readonly unknown[];
  readonly value: unknown;
}

/** Forgets the key that was used longest ago when there are more than `limit`. */
export function createKeyedMemo(limit: number): KeyedMemo {
  const entries = new Map<string, Entry>();
  return {
    of<Value>(key: string, inputs: readonly unknown[], compute: (previous: Value | undefined) => Value): Value {
      const held = entries.get(key);
      entries.delete(key);
      const same = held?.inputs.length === inputs.length && held.inputs.every((input, i) => input === inputs[i]);
      const entry = same && held ? held : { inputs, value: compute(held?.value as Value | undefined) };
      entries.set(key, entry);
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break;
        entries.delete(oldest);
      }
      return entry.value as Value;
    },
  };
}

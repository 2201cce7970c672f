/** Bounds of a cache; `weight` is in the unit of the weights that `set` is given. */
export interface CacheLimits {
  readonly entries: number;
  readonly weight: number;
}

/** A map that stays within its limits: it forgets what was used longest ago, and does not take what alone is too heavy. */
export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value, weight: number): void;
  readonly size: number;
}

export function createBoundedCache<Value>(limits: CacheLimits): BoundedCache<Value> {
  const entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  let totalWeight = 0;
  const remove = (key: string): void => {
    totalWeight -= entries.get(key)?.weight ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      // A Map iterates in insertion order: to insert again is to become the youngest.
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, weight) {
      remove(key);
      if (weight > limits.weight) return;
      entries.set(key, { value, weight });
      totalWeight += weight;
      for (const oldest of entries.keys()) {
        if (entries.size <= limits.entries && totalWeight <= limits.weight) return;
        remove(oldest);
      }
    },
    get size() {
      return entries.size;
    },
  };
}

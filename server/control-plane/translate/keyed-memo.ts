import type { ProxyNode } from '#xds';

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
      const entry =
        held !== undefined && areSame(held.inputs, inputs)
          ? held
          : { inputs, value: compute(held?.value as Value | undefined) };
      entries.set(key, entry);
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break;
        entries.delete(oldest);
      }
      return entry.value as Value;
    },
  };
}

/** Remembers one value per connected node, likewise, and as long as the node is connected. */
export function createNodeMemo<Value>(): (node: ProxyNode, inputs: readonly unknown[], compute: () => Value) => Value {
  const entries = new WeakMap<ProxyNode, Entry>();
  return (node, inputs, compute) => {
    const held = entries.get(node);
    if (held !== undefined && areSame(held.inputs, inputs)) return held.value as Value;
    const value = compute();
    entries.set(node, { inputs, value });
    return value;
  };
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

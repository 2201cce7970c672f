/** What a list of hosts may take, in percent, and whose it is. */
export interface ListHealth {
  readonly priority: number;
  readonly health: number;
}

/**
 * The priorities that the tries of one request went to: after each `frequency` of them, later tries leave these out, as long as others have
 * hosts. Source: extensions/retry/priority/previous_priorities in Envoy.
 */
export class TriedPriorities {
  readonly #frequency: number;
  readonly #tried: number[] = [];
  readonly #excluded = new Set<number>();
  #loads: readonly number[] | undefined;

  constructor(frequency: number) {
    this.#frequency = frequency;
  }

  add(priority: number): void {
    this.#tried.push(priority);
  }

  /** The share of each list for the next try, in percent; undefined: as for any request. */
  loads(lists: readonly ListHealth[]): readonly number[] | undefined {
    if (this.#tried.length < this.#frequency) return undefined;
    if (this.#tried.length % this.#frequency !== 0) return this.#loads;
    for (const priority of this.#tried) this.#excluded.add(priority);
    let left = this.#without(lists);
    if (left.every((health) => health === 0)) {
      this.#excluded.clear();
      this.#tried.length = 0;
      left = this.#without(lists);
    }
    this.#loads = share(left);
    return this.#loads;
  }

  #without(lists: readonly ListHealth[]): number[] {
    return lists.map(({ priority, health }) => (this.#excluded.has(priority) ? 0 : health));
  }
}

/** What rounding leaves goes round again, the first list first. */
function share(health: readonly number[]): readonly number[] | undefined {
  const total = Math.min(
    100,
    health.reduce((sum, each) => sum + each, 0),
  );
  if (total === 0) return undefined;
  const loads = health.map(() => 0);
  for (let left = 100; left > 0; ) {
    for (const [i, each] of health.entries()) {
      const part = Math.min(left, Math.floor((each * 100) / total));
      loads[i]! += part;
      left -= part;
    }
  }
  return loads;
}

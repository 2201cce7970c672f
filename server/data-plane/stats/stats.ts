import type { StatValues } from '../doors.ts';

/** A counter or a gauge; holders keep it and change `value`, so that the hot path builds no names. */
export interface Stat {
  value: number;
}

/** All figures of one proxy by Envoy's dotted names. */
export class Stats {
  readonly #stats = new Map<string, Stat>();
  readonly #gauges = new Map<string, () => number>();

  /** The figure of this name, made at 0 when new. */
  stat(name: string): Stat {
    let stat = this.#stats.get(name);
    if (stat === undefined) {
      stat = { value: 0 };
      this.#stats.set(name, stat);
    }
    return stat;
  }

  /** A figure that is read when asked for. */
  gauge(name: string, read: () => number): void {
    this.#gauges.set(name, read);
  }

  /** Forgets every figure whose name begins with `prefix`. */
  remove(prefix: string): void {
    for (const name of this.#stats.keys()) if (name.startsWith(prefix)) this.#stats.delete(name);
    for (const name of this.#gauges.keys()) if (name.startsWith(prefix)) this.#gauges.delete(name);
  }

  /** Sets every counter to 0, as `/reset_counters` does. */
  reset(): void {
    for (const stat of this.#stats.values()) stat.value = 0;
  }

  values(): StatValues {
    const values = new Map<string, number>();
    for (const [name, stat] of this.#stats) values.set(name, stat.value);
    for (const [name, read] of this.#gauges) values.set(name, read());
    return new Map([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

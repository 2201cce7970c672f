import { ALWAYS, type Fraction, type Switch } from './config/values.ts';

/** A percentage is a whole number. */
const PERCENT = /^\d{1,10}$/;
const NUMBER = /^-?\d{1,15}(\.\d{1,9})?$/;

/**
 * What Envoy's runtime says at this moment, by key. Parts of the proxy ask while they work, each with what their configuration says, which
 * is in force where the runtime has no readable value. Source: source/common/runtime in Envoy.
 */
export class RuntimeValues {
  readonly #values = new Map<string, string>();
  readonly #shares = new Map<string, Fraction | undefined>();
  readonly #listeners = new Set<() => void>();
  /** Some key begins with `tracing.`: every request of a proxy that traces would have to ask. */
  rulesTracing = false;
  /** The same of `upstream.maintenance_mode.` and of every request. */
  rulesMaintenance = false;
  /** The same of `circuit_breakers.` and of every cluster. */
  rulesBreakers = false;
  /** The same of `outlier_detection.`. */
  rulesOutliers = false;

  /** Takes over all values. */
  set(values: Iterable<readonly [key: string, value: string]>): void {
    this.#values.clear();
    this.#shares.clear();
    this.rulesTracing = false;
    this.rulesMaintenance = false;
    this.rulesBreakers = false;
    this.rulesOutliers = false;
    for (const [key, value] of values) {
      this.#values.set(key, value.trim());
      this.rulesTracing ||= key.startsWith('tracing.');
      this.rulesMaintenance ||= key.startsWith('upstream.maintenance_mode.');
      this.rulesBreakers ||= key.startsWith('circuit_breakers.');
      this.rulesOutliers ||= key.startsWith('outlier_detection.');
    }
    for (const tell of this.#listeners) tell();
  }

  /** Is told of every change, until the function that it returns is called. */
  onChange(tell: () => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  /** A share whose key has a value: so many of a hundred. */
  share(given: Fraction, key = given.runtimeKey): Fraction {
    if (key === undefined || this.#values.size === 0) return given;
    if (!this.#shares.has(key)) this.#shares.set(key, this.#readShare(key));
    return this.#shares.get(key) ?? given;
  }

  /** A whole number that is not below 0. */
  whole(key: string, given: number): number {
    const value = this.#values.get(key);
    return value !== undefined && PERCENT.test(value) ? Number(value) : given;
  }

  number(key: string, given: number): number {
    const value = this.#values.get(key);
    return value !== undefined && NUMBER.test(value) ? Number(value) : given;
  }

  flag(key: string, given: boolean): boolean {
    const value = this.#values.get(key)?.toLowerCase();
    return value === 'true' || value === 'false' ? value === 'true' : given;
  }

  isOn({ on, runtimeKey }: Switch): boolean {
    return runtimeKey === undefined ? on : this.flag(runtimeKey, on);
  }

  #readShare(key: string): Fraction | undefined {
    const value = this.#values.get(key);
    if (value === undefined || !PERCENT.test(value)) return undefined;
    const numerator = Number(value);
    return numerator >= ALWAYS.of ? ALWAYS : { numerator, of: ALWAYS.of };
  }
}

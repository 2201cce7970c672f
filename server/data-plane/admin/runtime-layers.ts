import type { RuntimeValue } from '../agent/bootstrap-settings.ts';
import type { RuntimeValues } from '../runtime-values.ts';
import type { Stats } from '../stats/stats.ts';

/** Those of Istio's bootstrap, the weakest first. */
const LAYERS = ['global config', 'admin'] as const;

/**
 * A proxy's runtime, as `/runtime` shows it and `/runtime_modify` changes it. Source: source/common/runtime in Envoy.
 */
export class RuntimeLayers {
  readonly #given: ReadonlyMap<string, string>;
  readonly #overrides = new Map<string, string>();
  readonly #stats: Stats;
  readonly #values: RuntimeValues;

  constructor(
    given: Readonly<Record<string, RuntimeValue>>,
    { stats, values }: { readonly stats: Stats; readonly values: RuntimeValues },
  ) {
    this.#given = new Map(Object.entries(given).map(([name, value]) => [name, String(value)]));
    this.#stats = stats;
    this.#values = values;
    stats.gauge('runtime.num_keys', () => this.#names().length);
    stats.gauge('runtime.num_layers', () => LAYERS.length);
    stats.gauge('runtime.admin_overrides_active', () => (this.#overrides.size > 0 ? 1 : 0));
    // Once without and once with what the bootstrap says.
    this.#loaded();
    this.#loaded();
  }

  /** An empty value takes a former one of `/runtime_modify` away. */
  modify(values: Iterable<readonly [name: string, value: string]>): void {
    for (const [name, value] of values) {
      if (value === '') this.#overrides.delete(name);
      else this.#overrides.set(name, value);
    }
    this.#loaded();
  }

  /** As `/runtime` tells it. */
  json(): object {
    const entry = (name: string): object => ({
      final_value: this.#valueOf(name),
      layer_values: [this.#given.get(name) ?? '', this.#overrides.get(name) ?? ''],
    });
    return { entries: Object.fromEntries(this.#names().map((name) => [name, entry(name)])), layers: LAYERS };
  }

  #names(): string[] {
    return [...new Set([...this.#given.keys(), ...this.#overrides.keys()])];
  }

  #valueOf(name: string): string {
    return this.#overrides.get(name) || (this.#given.get(name) ?? '');
  }

  #loaded(): void {
    this.#values.set(this.#names().map((name) => [name, this.#valueOf(name)]));
    for (const what of ['load_success', 'override_dir_not_exists']) this.#stats.stat(`runtime.${what}`).value++;
  }
}

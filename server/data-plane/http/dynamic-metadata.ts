/** What filters leave behind for later ones, by filter name. Source: StreamInfo::setDynamicMetadata in Envoy. */
export class DynamicMetadata {
  readonly #byFilter = new Map<string, Record<string, unknown>>();

  /** Adds to what a filter has left so far; equal keys are replaced. */
  merge(filter: string, values: Readonly<Record<string, unknown>>): void {
    const held = this.#byFilter.get(filter);
    if (held === undefined) this.#byFilter.set(filter, { ...values });
    else Object.assign(held, values);
  }

  all(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
    return Object.fromEntries(this.#byFilter);
  }

  of(filter: string): Readonly<Record<string, unknown>> | undefined {
    return this.#byFilter.get(filter);
  }
}

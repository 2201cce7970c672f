/** Texts that filters leave under a name for later filters, routes and logs; the last one counts. Source: StreamInfo::FilterState in Envoy. */
export class FilterState {
  readonly #kept = new Map<string, string>();

  keep(key: string, value: string): void {
    this.#kept.set(key, value);
  }

  of(key: string): string | undefined {
    return this.#kept.get(key);
  }
}

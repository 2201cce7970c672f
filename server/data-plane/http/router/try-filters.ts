import type { UpstreamFilter } from '../../config/filters/upstream-filters.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { FilterParts } from '../filters/filter-parts.ts';
import { headerMutation } from '../filters/header-mutation.ts';
import type { Headers } from '../headers.ts';

const made = new WeakMap<readonly UpstreamFilter[], readonly FilterParts[]>();

function partsOf(filters: readonly UpstreamFilter[]): readonly FilterParts[] {
  const known = made.get(filters);
  if (known !== undefined) return known;
  const parts = filters.map(({ name, mutation }) => headerMutation(name, mutation));
  made.set(filters, parts);
  return parts;
}

/**
 * What filters behind the router do with one try. As in Envoy, they change the request itself: a further try begins with what the ones before
 * have made of it.
 */
export class TryFilters {
  readonly #exchange: Exchange;
  readonly #parts: readonly FilterParts[];
  readonly #trailing: ((trailers: Headers) => void)[] = [];

  /** Undefined where there are none: those of the cluster go before those of the router. */
  static of(exchange: Exchange, cluster: UpstreamCluster): TryFilters | undefined {
    const filters = cluster.config.http.filters ?? exchange.config.upstreamFilters;
    return filters === undefined ? undefined : new TryFilters(exchange, partsOf(filters));
  }

  private constructor(exchange: Exchange, parts: readonly FilterParts[]) {
    this.#exchange = exchange;
    this.#parts = parts;
    for (const { decode } of parts) decode?.(exchange);
  }

  /** In the opposite order, before the router looks at the answer. */
  answered(head: ResponseHead): void {
    for (const { encode } of this.#parts.toReversed()) {
      const coder = encode?.(this.#exchange, head, false);
      if (typeof coder !== 'function') continue;
      const made = coder({ data: () => true, end: () => undefined, drain: () => undefined });
      this.#trailing.push((trailers) => made.end(trailers));
    }
  }

  trailed(trailers: Headers): void {
    for (const change of this.#trailing) change(trailers);
  }
}

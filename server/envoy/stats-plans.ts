import { readStatsPlan, STATS_FILTER, type StatsPlan } from '#data-plane';
import type { Any } from '#xds';

type Fields = Readonly<Record<string, unknown>>;

/** The statistics filters that a proxy was sent, each known by a number. */
export class StatsPlans {
  readonly #numbers = new Map<string, number>();
  readonly #plans: StatsPlan[] = [];

  /** The numbers of these filters, as text that a log entry can carry: `0,2`. */
  numbersOf(configs: readonly Any[]): string {
    return configs.map((config) => this.#numberOf(config)).join(',');
  }

  of(numbers: string): readonly StatsPlan[] {
    return numbers.split(',').flatMap((number) => (number === '' ? [] : (this.#plans[Number(number)] ?? [])));
  }

  #numberOf(config: Any): number {
    const key = JSON.stringify(config);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#plans.push(readStatsPlan(config)) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}

const isStats = ({ name }: Fields): boolean => name === STATS_FILTER;
const configOf = (filter: Fields): Any => filter['typed_config'] as Any;

/** A filter chain without the filters that only Istio's build of Envoy has to count with, and how they would have counted. */
export function withoutStatsFilters(chain: Fields): { readonly chain: Fields; readonly configs: readonly Any[] } {
  const filters = chain['filters'] as readonly Fields[] | undefined;
  if (filters === undefined) return { chain, configs: [] };
  const configs: Any[] = [];
  const keep = (list: readonly Fields[]): readonly Fields[] => {
    configs.push(...list.filter(isStats).map(configOf));
    return list.filter((filter) => !isStats(filter));
  };
  const kept = keep(filters).map((filter) => {
    const config = filter['typed_config'] as Fields | undefined;
    const inner = config?.['http_filters'] as readonly Fields[] | undefined;
    return inner?.some(isStats) === true
      ? { ...filter, typed_config: { ...config, http_filters: keep(inner) } }
      : filter;
  });
  return { chain: configs.length === 0 ? chain : { ...chain, filters: kept }, configs };
}

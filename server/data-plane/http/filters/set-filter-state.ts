import type { Any } from '#xds';
import { type KeptText, readSetFilterState, type SetFilterStateConfig } from '../../config/filters/set-filter-state.ts';
import type { Exchange } from '../exchange.ts';
import { FilterState } from '../filter-state.ts';
import type { FilterParts } from './filter-parts.ts';
import { levelsOf } from './per-route.ts';
import { chooseRouteAgain } from './route-again.ts';

/** Envoy's set_filter_state filter: what the listener says comes first, then what the levels of the route say, the nearest last. */
export function setFilterState(name: string, own: SetFilterStateConfig): FilterParts {
  const known = new WeakMap<Any, SetFilterStateConfig>();
  const read = (given: Any | undefined): readonly KeptText[] => {
    if (given?.['@type'].endsWith('.set_filter_state.v3.Config') !== true) return [];
    const held = known.get(given) ?? readSetFilterState(given);
    known.set(given, held);
    return held.kept;
  };
  return {
    decode(exchange) {
      for (const text of own.kept) keep(exchange, name, text);
      for (const level of levelsOf(exchange)) for (const text of read(level[name])) keep(exchange, name, text);
      return own.clearsRoute ? chooseRouteAgain(exchange) : 'next';
    },
  };
}

function keep(exchange: Exchange, name: string, { key, value, skipsEmpty, make }: KeptText): void {
  const text = value(exchange);
  const made = text === '' && skipsEmpty ? undefined : make(text);
  if (made === undefined) return;
  exchange.filterState ??= new FilterState();
  exchange.filterState.keep(key, made);
  exchange.steps.add('http_filter', 'applied', name, () => ({
    detail: `leaves "${text}" under ${key} for later filters, routes and logs`,
    evidence: { key, value: text },
  }));
}

import type { Any } from '#xds';
import { ConfigProblem } from './problem.ts';

interface NamedFilter {
  readonly name: string;
  readonly typed_config?: Any;
}

interface FilterOrder {
  /** Where the list stands. */
  readonly field: string;
  readonly chain: 'network' | 'http';
  /** Whether filters of this type end a chain. */
  readonly ends: (type: string) => boolean;
}

/** `envoy.filters.http.buffer`: the extension behind the type of its configuration. */
const extensionOf = (type: string): string =>
  type
    .replace(/^.*\//, '')
    .replace('envoy.extensions.filters.', 'envoy.filters.')
    .replace(/\.v\d+\.\w+$/, '');

const typeOf = ({ typed_config: config }: NamedFilter): string => config?.['@type'] ?? '';

/**
 * In Envoy's words: one filter ends a chain, and it is the last. Supposes that all filters are known.
 * Source: validateTerminalFilters in source/common/config/utility.h.
 */
export function checkFilterOrder(filters: readonly NamedFilter[], { field, chain, ends }: FilterOrder): void {
  const last = filters.length - 1;
  for (const [i, filter] of filters.entries()) {
    const type = typeOf(filter);
    if (ends(type) === (i === last)) continue;
    const who = `filter named ${filter.name} of type ${extensionOf(type)}`;
    throw new ConfigProblem(
      field,
      i === last
        ? `Error: non-terminal ${who} is the last filter in a ${chain} filter chain.`
        : `Error: terminal ${who} must be the last filter in a ${chain} filter chain.`,
    );
  }
}

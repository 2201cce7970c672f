import type { Any } from '#xds';
import { ConfigProblem } from '../../config/problem.ts';
import type { FilterParts } from './filter-parts.ts';

type Values = Readonly<Record<string, unknown>>;

interface Entry {
  readonly space: string;
  readonly values: Values;
  /** False: what is there already stays. */
  readonly overwrites: boolean;
}

/** Reads envoy.extensions.filters.http.set_metadata.v3.Config. */
export function readSetMetadata(config: Any): readonly Entry[] {
  const older = config['metadata_namespace'];
  const list = (config['metadata'] ?? []) as readonly Readonly<Record<string, unknown>>[];
  return [
    ...(older ? [{ space: String(older), values: (config['value'] ?? {}) as Values, overwrites: true }] : []),
    ...list.map((given, i) => {
      if (given['typed_value'] !== undefined) throw new ConfigProblem(`metadata[${i}].typed_value`, 'is not supported');
      const values = (given['value'] ?? {}) as Values;
      return {
        space: String(given['metadata_namespace'] ?? ''),
        values,
        overwrites: given['allow_overwrite'] === true,
      };
    }),
  ];
}

/** Envoy's set_metadata filter. */
export const setMetadata = (entries: readonly Entry[]): FilterParts => ({
  figures: { 'set_metadata.': ['overwrite_denied'] },
  decode(exchange) {
    for (const { space, values, overwrites } of entries) {
      const held = exchange.metadata.of(space);
      if (held === undefined) exchange.metadata.merge(space, values);
      else if (overwrites) exchange.metadata.merge(space, joined(held, values));
      else exchange.stats.count('set_metadata.overwrite_denied');
    }
    return 'next';
  },
});

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Lists grow, objects are joined key by key, everything else is replaced. Source: StructUtil::update in Envoy. */
function joined(held: Values, values: Values): Values {
  const result: Record<string, unknown> = { ...held };
  for (const [key, value] of Object.entries(values)) {
    const before = result[key];
    if (isRecord(before) && isRecord(value)) result[key] = joined(before, value);
    else if (Array.isArray(before) && Array.isArray(value))
      result[key] = [...(before as unknown[]), ...(value as unknown[])];
    else result[key] = value;
  }
  return result;
}

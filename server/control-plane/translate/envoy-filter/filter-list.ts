import { type Any, mergeAny } from '#xds';
import type { Patch } from './patches.ts';

/** A filter of any level: listener filter, network filter, HTTP filter. */
export interface NamedConfig {
  readonly name?: string;
  readonly typed_config?: Any;
}

export interface ListPatch<Item> {
  readonly patch: Patch;
  /** Whether the patch names an item at all. */
  readonly namesItem: boolean;
  readonly matches: (item: Item) => boolean;
}

/** Applies a patch that adds, moves or removes items. Without a named item, before means first and after means last. */
export function patchList<Item>(items: readonly Item[], { patch, namesItem, matches }: ListPatch<Item>): Item[] {
  const value = patch.value as Item;
  const at = namesItem ? items.findIndex(matches) : -1;
  switch (patch.operation) {
    case 'ADD':
      return [...items, value];
    case 'INSERT_FIRST':
      return [value, ...items];
    case 'INSERT_BEFORE':
      if (!namesItem) return [value, ...items];
      return at < 0 ? [...items] : items.toSpliced(at, 0, value);
    case 'INSERT_AFTER':
      if (!namesItem) return [...items, value];
      return at < 0 ? [...items] : items.toSpliced(at + 1, 0, value);
    case 'REPLACE':
      return at < 0 ? [...items] : items.with(at, value);
    case 'REMOVE':
      return namesItem ? items.filter((item) => !matches(item)) : [...items];
    default:
      return [...items];
  }
}

/** A patch at which istiod gives up: of the listeners that it was changing, those to come stay as they are. */
export class PatchPanic extends Error {}

/**
 * Merges a patch into one filter: its name is replaced, configurations of the same type are merged. Throws PatchPanic for those of different
 * types. Source: MergeAnyWithAny in istio pilot/pkg/networking/util.
 */
export function mergeFilter<Filter extends NamedConfig>(filter: Filter, patch: NamedConfig): Filter {
  const { typed_config: held } = filter;
  if (held === undefined) return filter;
  const given = patch.typed_config;
  if (given !== undefined && given['@type'] !== held['@type'])
    throw new PatchPanic(`descriptor mismatch: ${held['@type']} != ${given['@type']}`);
  const merged = given && mergeAny(held, given);
  return { ...filter, ...(patch.name && { name: patch.name }), ...(merged && { typed_config: merged }) };
}

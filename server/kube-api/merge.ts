import { isRecord, type JsonRecord, sameJson } from './json.ts';
import type { Shape } from './types/shape.ts';

/** JSON merge patch (RFC 7386): null removes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result = new Map(Object.entries(isRecord(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, mergePatch(result.get(key), value));
  }
  // fromEntries defines keys, so that `__proto__` in a patch is a key like any other.
  return Object.fromEntries(result);
}

/** The fields by which the items of a list are told apart; undefined for lists that are replaced whole. */
function keyFields(shape: Shape | undefined): readonly string[] | undefined {
  if (shape?.strategy?.split(',').includes('merge') !== true) return undefined;
  if (shape.list.form === 'map') return shape.list.keys;
  return shape.mergeKey === undefined ? undefined : [shape.mergeKey];
}

const itemKey = (item: unknown, fields: readonly string[]): string =>
  fields.map((field) => (isRecord(item) ? (item[field] ?? (field === 'protocol' ? 'TCP' : '')) : '')).join('/');

export interface ThreeWay {
  /** What was applied before. */
  readonly original: unknown;
  /** What is applied now. */
  readonly modified: unknown;
  /** What the server has. */
  readonly current: unknown;
}

/**
 * The three-way merge of `kubectl apply`: a field that was applied before and is not applied now goes away; what is applied now
 * wins; the rest of the current object stays. With a shape, lists of items with keys are merged item by item, as a strategic merge patch
 * does; otherwise they are replaced whole.
 */
export function threeWayMerge(sides: ThreeWay, shape?: Shape): unknown {
  const { original, modified, current } = sides;
  const fields = keyFields(shape);
  if (fields && Array.isArray(modified) && Array.isArray(current)) {
    return mergeKeyed({ original, modified, current }, fields, shape);
  }
  if (!isRecord(modified) || !isRecord(current)) return modified;
  const before: JsonRecord = isRecord(original) ? original : {};
  const result = new Map(Object.entries(current));
  for (const key of Object.keys(before)) if (!Object.hasOwn(modified, key)) result.delete(key);
  for (const [key, value] of Object.entries(modified)) {
    if (value === null) result.delete(key);
    else
      result.set(
        key,
        threeWayMerge({ original: before[key], modified: value, current: result.get(key) }, shape?.child(key)),
      );
  }
  return Object.fromEntries(result);
}

interface KeyedLists {
  readonly original: unknown;
  readonly modified: readonly unknown[];
  readonly current: readonly unknown[];
}

function mergeKeyed(lists: KeyedLists, fields: readonly string[], shape: Shape | undefined): unknown[] {
  const index = (items: readonly unknown[]) => new Map(items.map((item) => [itemKey(item, fields), item]));
  const before = index(Array.isArray(lists.original) ? lists.original : []);
  const there = index(lists.current);
  const applied = index(lists.modified);
  const merged = lists.modified.map((item) => {
    const key = itemKey(item, fields);
    return threeWayMerge({ original: before.get(key), modified: item, current: there.get(key) }, shape?.item());
  });
  const added = lists.current.filter((item) => {
    const key = itemKey(item, fields);
    return !applied.has(key) && !before.has(key);
  });
  const result = [...merged, ...added];
  return sameJson(result, lists.current) ? [...lists.current] : result;
}

import { isRecord, type JsonRecord, sameJson } from './json.ts';

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

/** Lists of built-in kinds whose items have a name of their own: field name → the item's key fields. */
const LIST_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  ownerReferences: ['uid'],
};

function keyFields(field: string, items: readonly unknown[]): readonly string[] | undefined {
  if (field !== 'ports') return LIST_KEYS[field];
  // Ports of containers and of Services have different keys.
  const [first] = items;
  return isRecord(first) && 'containerPort' in first ? ['containerPort', 'protocol'] : ['port', 'protocol'];
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

interface MergeOptions {
  /** Merge lists of built-in kinds by their items' keys, as a strategic merge patch does; otherwise lists are replaced whole. */
  readonly strategic: boolean;
}

/**
 * The three-way merge of `kubectl apply`: a field that was applied before and is not applied now goes away; what is applied now
 * wins; the rest of the current object stays.
 */
export function threeWayMerge(sides: ThreeWay, options: MergeOptions, field = ''): unknown {
  const { original, modified, current } = sides;
  if (options.strategic && Array.isArray(modified) && Array.isArray(current)) {
    const fields = keyFields(field, modified);
    if (fields) return mergeKeyed({ original, modified, current }, fields, options);
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
        threeWayMerge({ original: before[key], modified: value, current: result.get(key) }, options, key),
      );
  }
  return Object.fromEntries(result);
}

interface KeyedLists {
  readonly original: unknown;
  readonly modified: readonly unknown[];
  readonly current: readonly unknown[];
}

function mergeKeyed(lists: KeyedLists, fields: readonly string[], options: MergeOptions): unknown[] {
  const index = (items: readonly unknown[]) => new Map(items.map((item) => [itemKey(item, fields), item]));
  const before = index(Array.isArray(lists.original) ? lists.original : []);
  const there = index(lists.current);
  const applied = index(lists.modified);
  const merged = lists.modified.map((item) => {
    const key = itemKey(item, fields);
    return threeWayMerge({ original: before.get(key), modified: item, current: there.get(key) }, options);
  });
  const added = lists.current.filter((item) => {
    const key = itemKey(item, fields);
    return !applied.has(key) && !before.has(key);
  });
  const result = [...merged, ...added];
  return sameJson(result, lists.current) ? [...lists.current] : result;
}

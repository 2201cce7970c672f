import type { KindDefinition, KubeObject } from '#domain';
import { isRecord, type JsonRecord, sameJson } from '../json.ts';
import { badRequest } from '../status-error.ts';
import { type Shape, shapeOf } from '../types/shape.ts';

const ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';
const RETAIN = '$retainKeys';
const DIRECTIVE = '$patch';

/**
 * Applies a strategic merge patch: lists merge by the merge key of their field, `$patch`, `$retainKeys`, `$setElementOrder/…` and
 * `$deleteFromPrimitiveList/…` are obeyed. Throws BadRequest for unknown directives and for items without their merge key.
 */
export function strategicPatch(target: unknown, patch: unknown, shape: Shape): unknown {
  if (!isRecord(patch)) throw badRequest('a strategic merge patch must be an object');
  return mergeRecord(isRecord(target) ? target : {}, patch, shape) ?? {};
}

/** An object of a kind after a strategic merge patch. */
export const patchStrategically = (kind: KindDefinition, object: KubeObject, patch: unknown): KubeObject =>
  strategicPatch(object, patch, shapeOf(kind)) as KubeObject;

/** Undefined when the patch deletes the record. */
function mergeRecord(target: JsonRecord, patch: JsonRecord, shape: Shape): JsonRecord | undefined {
  const directive = patch[DIRECTIVE];
  if (directive === 'delete') return undefined;
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive !== undefined && directive !== 'merge') throw badRequest(`Unknown patch type: ${String(directive)}`);
  const result = new Map(Object.entries(target));
  retainKeys(result, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN) continue;
    if (key.startsWith(DELETE_FROM)) deleteScalars(result, key.slice(DELETE_FROM.length), value);
    else if (key.startsWith(ORDER)) orderOnly(result, patch, key.slice(ORDER.length), shape);
    else if (value === null) result.delete(key);
    else mergeField(result, key, { patch, value, shape: shape.child(key) });
  }
  return Object.fromEntries(result);
}

interface FieldPatch {
  readonly patch: JsonRecord;
  readonly value: unknown;
  readonly shape: Shape;
}

function mergeField(result: Map<string, unknown>, key: string, { patch, value, shape }: FieldPatch): void {
  const current = result.get(key);
  if (isRecord(value)) {
    const merged = mergeRecord(isRecord(current) ? current : {}, value, shape);
    if (merged === undefined) result.delete(key);
    else result.set(key, merged);
    return;
  }
  const merges = shape.strategy?.split(',').includes('merge') === true;
  if (!Array.isArray(value) || !merges) {
    result.set(key, value);
    return;
  }
  const order = patch[ORDER + key];
  const list = { target: Array.isArray(current) ? current : [], patch: value, shape, order };
  result.set(key, mergeList(list));
}

function retainKeys(result: Map<string, unknown>, patch: JsonRecord): void {
  const retained = patch[RETAIN];
  if (retained === undefined) return;
  if (!Array.isArray(retained)) throw badRequest(`${RETAIN} must be a list`);
  const kept = new Set(retained.map(String));
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith('$') && value !== null && !kept.has(key)) {
      throw badRequest(`all keys in the patch must be in the list of ${RETAIN}: ${key} is not`);
    }
  }
  for (const key of [...result.keys()]) if (!kept.has(key)) result.delete(key);
}

function deleteScalars(result: Map<string, unknown>, field: string, values: unknown): void {
  const current = result.get(field);
  if (!Array.isArray(values) || !Array.isArray(current)) return;
  result.set(
    field,
    current.filter((each) => !values.some((gone) => sameJson(gone, each))),
  );
}

/** An order without a list of items to merge sorts what is there. */
function orderOnly(result: Map<string, unknown>, patch: JsonRecord, field: string, shape: Shape): void {
  const current = result.get(field);
  if (Object.hasOwn(patch, field) || !Array.isArray(current)) return;
  const list = { target: current, patch: [], shape: shape.child(field), order: patch[ORDER + field] };
  result.set(field, mergeList(list));
}

interface ListPatch {
  readonly target: readonly unknown[];
  readonly patch: readonly unknown[];
  readonly shape: Shape;
  readonly order: unknown;
}

const withoutDirectives = (record: JsonRecord): JsonRecord =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== DIRECTIVE && key !== RETAIN));

const directiveOf = (item: unknown): unknown => (isRecord(item) ? item[DIRECTIVE] : undefined);

function mergeList({ target, patch, shape, order }: ListPatch): unknown[] {
  const { mergeKey } = shape;
  const same = sameItem(mergeKey);
  if (patch.some((item) => directiveOf(item) === 'replace')) {
    return patch.filter((item) => directiveOf(item) !== 'replace');
  }
  const gone = patch.filter((item) => directiveOf(item) === 'delete');
  const given = patch.filter((item) => directiveOf(item) !== 'delete');
  if (mergeKey !== undefined) requireKey([...gone, ...given], mergeKey);
  const merged = target.filter((item) => !gone.some((each) => same(each, item)));
  for (const item of given) {
    const at = merged.findIndex((each) => same(each, item));
    const there = at < 0 ? undefined : merged[at];
    const next = isRecord(item) ? mergeRecord(isRecord(there) ? there : {}, item, shape.item()) : item;
    if (at < 0) merged.push(next);
    else merged[at] = next;
  }
  const wanted = Array.isArray(order) ? order : given;
  return arrange(merged, wanted, target, same);
}

function requireKey(items: readonly unknown[], mergeKey: string): void {
  const lacking = items.find((item) => !isRecord(item) || item[mergeKey] === undefined);
  if (lacking === undefined) return;
  throw badRequest(`map: ${JSON.stringify(lacking)} does not contain declared merge key: ${mergeKey}`);
}

type SameItem = (a: unknown, b: unknown) => boolean;

function sameItem(mergeKey: string | undefined): SameItem {
  if (mergeKey === undefined) return sameJson;
  return (a, b) => isRecord(a) && isRecord(b) && sameJson(a[mergeKey], b[mergeKey]);
}

/**
 * Items that the patch names take its order; the others keep the server's order and come before a named item only where the server had
 * them before it.
 */
function arrange(
  merged: readonly unknown[],
  wanted: readonly unknown[],
  server: readonly unknown[],
  same: SameItem,
): unknown[] {
  const place = (list: readonly unknown[], item: unknown): number => list.findIndex((each) => same(each, item));
  const named = merged.filter((item) => place(wanted, item) >= 0).sort((a, b) => place(wanted, a) - place(wanted, b));
  const others = merged.filter((item) => place(wanted, item) < 0);
  const result: unknown[] = [];
  while (named.length > 0 || others.length > 0) {
    const [left, right] = [place(server, others[0]), place(server, named[0])];
    const takeOther = named.length === 0 || (others.length > 0 && left >= 0 && right >= 0 && left < right);
    result.push(takeOther ? others.shift() : named.shift());
  }
  return result;
}

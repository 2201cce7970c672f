import { isRecord, type JsonRecord, sameJson } from '../json.ts';
import type { Shape } from '../types/shape.ts';
import { type FieldSet, FieldSetBuilder, fieldStep, itemStep, valueStep } from './field-set.ts';

/** What differs between two objects, as paths. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

interface Places {
  readonly added: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  readonly removed: FieldSetBuilder;
}

const into = (places: Places, step: string): Places => ({
  added: places.added.child(step),
  modified: places.modified.child(step),
  removed: places.removed.child(step),
});

/** Compares by shape: keyed lists item by item, atomic lists and scalars as a whole. */
export function compare(before: unknown, after: unknown, shape: Shape): Comparison {
  const places = { added: new FieldSetBuilder(), modified: new FieldSetBuilder(), removed: new FieldSetBuilder() };
  walk(before, after, shape, places);
  return { added: places.added.build(), modified: places.modified.build(), removed: places.removed.build() };
}

function walk(before: unknown, after: unknown, shape: Shape, places: Places): void {
  if (before === undefined) places.added.insert();
  else if (after === undefined) places.removed.insert();
  const one = before ?? after;
  const other = after ?? before;
  if (isRecord(one) && isRecord(other) && !shape.atomic) {
    walkFields(isRecord(before) ? before : {}, isRecord(after) ? after : {}, shape, places);
  } else if (Array.isArray(one) && Array.isArray(other) && shape.list.form !== 'atomic') {
    walkItems(Array.isArray(before) ? before : [], Array.isArray(after) ? after : [], shape, places);
  } else if (before !== undefined && after !== undefined && !sameJson(before, after)) places.modified.insert();
}

function walkFields(before: JsonRecord, after: JsonRecord, shape: Shape, places: Places): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    walk(before[key], after[key], shape.child(key), into(places, fieldStep(key)));
  }
}

function walkItems(before: readonly unknown[], after: readonly unknown[], shape: Shape, places: Places): void {
  const [old, now] = [itemsByStep(before, shape), itemsByStep(after, shape)];
  for (const step of new Set([...old.keys(), ...now.keys()])) {
    walk(old.get(step), now.get(step), shape.item(), into(places, step));
  }
}

/** Items of a keyed list or a set by their step; of two items with one key the last counts. */
export function itemsByStep(items: readonly unknown[], shape: Shape): Map<string, unknown> {
  const { list } = shape;
  return new Map(items.map((item) => [list.form === 'map' ? itemStep(item, list.keys) : valueStep(item), item]));
}

/** The paths that an applied object speaks about. */
export function appliedSet(object: unknown, shape: Shape): FieldSet {
  const builder = new FieldSetBuilder();
  collect(object, shape, builder);
  return builder.build();
}

function collect(value: unknown, shape: Shape, builder: FieldSetBuilder): void {
  if (isRecord(value) && !shape.atomic) {
    for (const [key, below] of Object.entries(value)) {
      const child = shape.child(key);
      const place = builder.child(fieldStep(key));
      collect(below, child, place);
      const bare = below === null || (isRecord(below) && Object.keys(below).length === 0);
      if (bare || !child.declared) place.insert();
    }
  } else if (Array.isArray(value) && shape.list.form !== 'atomic') {
    for (const [step, item] of itemsByStep(value, shape)) {
      collect(item, shape.item(), builder.child(step));
      builder.child(step).insert();
    }
  } else builder.insert();
}

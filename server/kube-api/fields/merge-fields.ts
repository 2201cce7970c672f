import { isRecord, type JsonRecord } from '../json.ts';
import type { Shape } from '../types/shape.ts';
import { itemsByStep } from './compare.ts';
import { type FieldSet, isEmpty } from './field-set.ts';

/** What is there, with what is applied laid over it. */
export function mergeFields(live: unknown, applied: unknown, shape: Shape): unknown {
  if (isRecord(live) && isRecord(applied) && !shape.atomic) {
    const result = new Map(Object.entries(live));
    for (const [key, value] of Object.entries(applied)) {
      result.set(key, mergeFields(result.get(key), value, shape.child(key)));
    }
    return Object.fromEntries(result);
  }
  if (Array.isArray(live) && Array.isArray(applied) && shape.list.form !== 'atomic') {
    return mergeItems(live, applied, shape);
  }
  return applied;
}

/**
 * Items keep the order of what is applied. Those that only the live list has come as early as that allows: before the next item that both
 * lists have.
 */
function mergeItems(live: readonly unknown[], applied: readonly unknown[], shape: Shape): unknown[] {
  const [there, wanted] = [itemsByStep(live, shape), itemsByStep(applied, shape)];
  const steps = [...there.keys()];
  const applying = [...wanted.keys()];
  const order: string[] = [];
  let reached = 0;
  for (const [index, step] of applying.entries()) {
    const shared = applying.slice(index).find((each) => there.has(each));
    const at = shared === undefined ? -1 : steps.indexOf(shared, reached);
    const until = at < 0 ? steps.length : at;
    order.push(...steps.slice(reached, until).filter((each) => !wanted.has(each)), step);
    reached = step === shared && at >= 0 ? until + 1 : until;
  }
  order.push(...steps.slice(reached).filter((each) => !wanted.has(each)));
  return order.map((step) =>
    wanted.has(step) ? mergeFields(there.get(step), wanted.get(step), shape.item()) : there.get(step),
  );
}

/** Takes away what `gone` names and nobody in `owned` has a part in. */
export function pruneFields(value: unknown, gone: FieldSet, owned: FieldSet, shape: Shape): unknown {
  if (isRecord(value)) return pruneRecord(value, gone, owned, shape);
  if (!Array.isArray(value) || shape.list.form === 'atomic') return value;
  const items = [...itemsByStep(value, shape)];
  return items.flatMap(([step, item]) => {
    const below = gone.children.get(step);
    if (!below) return [item];
    const keep = owned.children.get(step);
    return keep && !isEmpty(keep) ? [pruneFields(item, below, keep, shape.item())] : [];
  });
}

function pruneRecord(value: JsonRecord, gone: FieldSet, owned: FieldSet, shape: Shape): JsonRecord {
  const result = new Map(Object.entries(value));
  for (const [step, below] of gone.children) {
    const key = step.slice(2);
    if (!step.startsWith('f:') || !result.has(key)) continue;
    const keep = owned.children.get(step);
    if (keep && !isEmpty(keep)) result.set(key, pruneFields(result.get(key), below, keep, shape.child(key)));
    else result.delete(key);
  }
  return Object.fromEntries(result);
}

import { parseDurationMs } from '#domain';
import type { Sandbox } from '#sandbox';
import type { ProbeSpec } from '../lab-schema.ts';
import { valueAt } from './fields.ts';

type DurationSpec = NonNullable<ProbeSpec['durations']>;

/** Whether a duration field is shorter than, equal to or longer than another; false when one of them is not there. */
export function comparesDurations({ of, is, than }: DurationSpec, sandbox: Sandbox): boolean {
  const [left, right] = [read(of, sandbox), read(than, sandbox)];
  if (left === undefined || right === undefined) return false;
  return is === 'equal' ? left === right : is === 'shorter' ? left < right : left > right;
}

/** Milliseconds; of a list, the first entry that has the field. */
function read(side: DurationSpec['than'], sandbox: Sandbox): number | undefined {
  if (typeof side === 'string') return parseDurationMs(side);
  const { kind, namespace, name, path } = side;
  const [value] = valueAt(sandbox.store.get(kind, { namespace, name }), path);
  return value === undefined ? undefined : parseDurationMs(String(value));
}

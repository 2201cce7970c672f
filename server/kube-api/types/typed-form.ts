import { isRecord } from '../json.ts';
import { fieldsOf, itemType, type TypeField, valueType } from './types.ts';

/**
 * Takes from an object what a Go struct does not keep: empty lists and maps, and zeros that are the same as absent. Changes the object.
 */
export function dropUnsaid(value: unknown, type: string): void {
  const items = itemType(type);
  const values = valueType(type);
  if (items !== undefined && Array.isArray(value)) for (const item of value) dropUnsaid(item, items);
  if (!isRecord(value)) return;
  const fields = fieldsOf(type);
  for (const [key, child] of Object.entries(value)) {
    const field = fields && Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field) {
      if (isUnsaid(child, field)) delete value[key];
      else dropUnsaid(child, field.t);
    } else if (values !== undefined) dropUnsaid(child, values);
  }
}

function isUnsaid(value: unknown, field: TypeField): boolean {
  if (field.r || field.p || field.w) return false;
  if (Array.isArray(value)) return value.length === 0;
  if (isRecord(value)) return valueType(field.t) !== undefined && Object.keys(value).length === 0;
  const number = field.t.startsWith('int') || field.t.startsWith('float');
  return (value === '' && field.t === 'string') || (value === false && field.t === 'bool') || (value === 0 && number);
}

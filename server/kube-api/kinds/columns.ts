import type { KubeObject, PrintColumn } from '#domain';
import { ageSince } from '#domain';
import { isRecord } from '../json.ts';

/** The value at a path such as `status.replicas`; undefined when a step is missing. */
export function at(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const step of path.split('.')) value = isRecord(value) ? value[step] : undefined;
  return value;
}

/** The list at a path; empty when there is none. */
export function listAt(object: unknown, path: string): readonly unknown[] {
  const value = at(object, path);
  return Array.isArray(value) ? value : [];
}

export function textAt(object: unknown, path: string): string | undefined {
  const value = at(object, path);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberAt(object: unknown, path: string): number {
  const value = at(object, path);
  return typeof value === 'number' ? value : 0;
}

export const nameColumn: PrintColumn = {
  name: 'Name',
  type: 'string',
  priority: 0,
  cell: (object) => object.metadata.name,
};

export const ageColumn: PrintColumn = {
  name: 'Age',
  type: 'date',
  priority: 0,
  cell: (object, nowMs) => ageSince(object.metadata.creationTimestamp, nowMs),
};

/** When it was created, for kinds whose age is of no interest. */
export const createdAtColumn: PrintColumn = {
  name: 'Created At',
  type: 'date',
  priority: 0,
  cell: (object) => object.metadata.creationTimestamp ?? '',
};

/** `a,b,c + 2 more...`; undefined for nothing. */
export function firstThree(items: readonly string[]): string | undefined {
  if (items.length === 0) return undefined;
  const more = items.length - 3;
  return more > 0 ? `${items.slice(0, 3).join(',')} + ${more} more...` : items.join(',');
}

/** A column of text; `<none>` where the cell is empty, as kubectl shows it. */
export function column(name: string, cell: (object: KubeObject, nowMs: number) => string | undefined): PrintColumn {
  return { name, type: 'string', priority: 0, cell: (object, nowMs) => cell(object, nowMs) || '<none>' };
}

export function integerColumn(name: string, cell: (object: KubeObject) => number): PrintColumn {
  return { name, type: 'integer', priority: 0, cell: (object) => String(cell(object)) };
}

/** The column for `-o wide` only. */
export const wide = (shown: PrintColumn): PrintColumn => ({ ...shown, priority: 1 });

/** `app=reviews,version=v1`, as SELECTOR columns show it. */
export function labelText(labels: unknown): string {
  if (!isRecord(labels)) return '';
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.sort().join(',');
}

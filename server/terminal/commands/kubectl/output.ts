import { stringify } from 'yaml';
import type { KindDefinition, KubeObject } from '#domain';
import { UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { evaluateJsonPath } from './jsonpath.ts';
import { printedName } from './targets.ts';

export interface Group {
  readonly kind: KindDefinition;
  readonly objects: readonly KubeObject[];
}

export interface TableOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly showLabels: boolean;
  readonly noHeaders: boolean;
  /** Several kinds are printed: names carry their kind. */
  readonly prefixed: boolean;
  readonly nowMs: number;
}

/** One kind's objects as kubectl's table. */
export function printTable({ kind, objects }: Group, options: TableOptions): string {
  const columns = kind.columns.filter((column) => options.wide || column.priority === 0);
  const head = columns.map((column) => column.name.toUpperCase());
  const rows = objects.map((object) =>
    columns.map((column) => {
      const cell = column.cell(object, options.nowMs);
      return options.prefixed && column.name.toLowerCase() === 'name' ? printedName(kind, cell) : cell;
    }),
  );
  if (options.withNamespace) {
    head.unshift('NAMESPACE');
    for (const [i, row] of rows.entries()) row.unshift(objects[i]?.metadata.namespace ?? '');
  }
  if (options.showLabels) {
    head.push('LABELS');
    for (const [i, row] of rows.entries()) row.push(labelText(objects[i]?.metadata.labels));
  }
  const text = formatTable(head, rows);
  return options.noHeaders ? text.slice(text.indexOf('\n') + 1) : text;
}

export const labelText = (labels: Readonly<Record<string, string>> | undefined): string => {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.join(',');
};

/** `-o yaml`, `-o json`, `-o name`, `-o jsonpath=…`: the text, or undefined for tables. */
export function printAs(format: string | undefined, groups: readonly Group[], single: boolean): string | undefined {
  if (format === undefined || format === 'wide') return undefined;
  const objects = groups.flatMap((group) => group.objects.map(withoutManagedFields));
  const first = objects[0];
  const whole =
    single && first ? first : { apiVersion: 'v1', kind: 'List', items: objects, metadata: { resourceVersion: '' } };
  if (format === 'yaml') return stringify(whole, { lineWidth: 0 });
  if (format === 'json') return `${JSON.stringify(whole, null, 4)}\n`;
  if (format === 'name') {
    return groups
      .flatMap(({ kind, objects: found }) => found.map((object) => `${printedName(kind, object.metadata.name)}\n`))
      .join('');
  }
  if (format.startsWith('jsonpath=')) return evaluateJsonPath(format.slice('jsonpath='.length), whole);
  throw new UsageError(
    `error: unable to match a printer suitable for the output format "${format}", allowed formats are: json,jsonpath,name,wide,yaml`,
  );
}

/** kubectl hides managedFields and sorts fields; the order of a stored object is already apiVersion, kind, metadata, spec. */
function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

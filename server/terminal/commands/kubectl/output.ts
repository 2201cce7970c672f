import { stringify } from 'yaml';
import type { KindDefinition, KubeObject } from '#domain';
import { UsageError } from '../../command.ts';
import { columnWidths, formatRows, formatTable } from '../../table.ts';
import { evaluateJsonPath, selectPath, showValue } from './jsonpath/evaluate.ts';
import { printedName } from './targets.ts';

export interface Group {
  readonly kind: KindDefinition;
  readonly objects: readonly KubeObject[];
}

export interface TableOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly showLabels: boolean;
  /** Labels that get columns of their own. */
  readonly labelColumns: readonly string[];
  readonly noHeaders: boolean;
  /** Several kinds are printed: names carry their kind. */
  readonly prefixed: boolean;
  readonly nowMs: number;
}

/** One kind's objects as the rows of kubectl's table, the head first. */
export function tableRows({ kind, objects }: Group, options: Omit<TableOptions, 'noHeaders'>): string[][] {
  const columns = kind.columns.filter((column) => options.wide || column.priority === 0);
  const row = (object: KubeObject): string[] => [
    ...(options.withNamespace ? [object.metadata.namespace ?? ''] : []),
    ...columns.map((column, index) => {
      const cell = column.cell(object, options.nowMs);
      return options.prefixed && index === 0 ? printedName(kind, cell) : cell;
    }),
    ...options.labelColumns.map((label) => object.metadata.labels?.[label] ?? ''),
    ...(options.showLabels ? [labelText(object.metadata.labels)] : []),
  ];
  const head = [
    ...(options.withNamespace ? ['NAMESPACE'] : []),
    ...columns.map((column) => column.name.toUpperCase()),
    ...options.labelColumns.map((label) => (label.split('/').at(-1) ?? label).toUpperCase()),
    ...(options.showLabels ? ['LABELS'] : []),
  ];
  return [head, ...objects.map(row)];
}

export function printTable(group: Group, options: TableOptions): string {
  const rows = tableRows(group, options);
  const shown = options.noHeaders ? rows.slice(1) : rows;
  return formatRows(shown, columnWidths(shown));
}

const labelText = (labels: Readonly<Record<string, string>> | undefined): string => {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
};

const FORMATS = 'custom-columns,json,jsonpath,name,wide,yaml';

/** `-o yaml`, `-o json`, `-o name`, `-o jsonpath=…`, `-o custom-columns=…`: the text, or undefined for tables. */
export function printAs(format: string | undefined, groups: readonly Group[], single: boolean): string | undefined {
  if (format === undefined || format === 'wide') return undefined;
  const objects = groups.flatMap((group) => group.objects.map(withoutManagedFields));
  const first = objects[0];
  const whole =
    single && first ? first : { apiVersion: 'v1', kind: 'List', items: objects, metadata: { resourceVersion: '' } };
  if (format === 'yaml') return toYaml(whole);
  if (format === 'json') return `${JSON.stringify(sorted(whole), null, 4)}\n`;
  if (format === 'name') {
    return groups
      .flatMap(({ kind, objects: found }) => found.map((object) => `${printedName(kind, object.metadata.name)}\n`))
      .join('');
  }
  const [, kind, template = ''] = /^(jsonpath|custom-columns)=?(.*)$/s.exec(format) ?? [];
  if (kind !== undefined && template === '')
    throw new UsageError(`error: ${kind === 'jsonpath' ? 'template' : kind} format specified but no template given`);
  if (kind === 'jsonpath') return evaluateJsonPath(template, whole);
  if (kind === 'custom-columns') return customColumns(template, objects);
  throw new UsageError(
    `error: unable to match a printer suitable for the output format "${format}", allowed formats are: ${FORMATS}`,
  );
}

/** As kubectl writes YAML: fields sorted, lists not indented, words that YAML 1.1 reads as booleans quoted. */
export const toYaml = (value: unknown): string =>
  stringify(value, {
    lineWidth: 0,
    indentSeq: false,
    sortMapEntries: true,
    version: '1.1',
    aliasDuplicateObjects: false,
  });

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sorted(child)]));
}

/** `NAME:.metadata.name,IP:.status.podIP` */
function customColumns(template: string, objects: readonly KubeObject[]): string {
  const columns = template.split(',').map((column) => {
    const [, title, path] = /^([^:]+):(.+)$/.exec(column) ?? [];
    if (title === undefined || path === undefined)
      throw new UsageError(`error: unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`);
    return { title, path };
  });
  const rows = objects.map((object) =>
    columns.map(({ path }) => selectPath(path, object).map(showValue).join(',') || '<none>'),
  );
  return formatTable(
    columns.map(({ title }) => title),
    rows,
  );
}

/** kubectl hides managedFields. */
function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

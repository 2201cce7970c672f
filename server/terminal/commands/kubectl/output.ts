import { stringify } from 'yaml';
import type { KindDefinition, KubeObject } from '#domain';
import type { Flags } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import { columnWidths, formatRows, formatTable } from '../../table.ts';
import { evaluateGoTemplate } from './go-template/evaluate.ts';
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

const FORMATS =
  'custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml';

/** How objects are printed other than as tables. */
export interface Printing {
  /** What `-o` says; undefined or `wide` asks for tables. */
  readonly format: string | undefined;
  readonly showManagedFields?: boolean;
  readonly noHeaders?: boolean;
  /** Reads the file that `-o jsonpath-file=` and its kin name. */
  readonly read?: (path: string) => string | undefined;
}

/** What `-o` and `--template` ask for together. */
export function printingOf(flags: Flags, { files }: ShellContext): Printing {
  const [output, template] = [flags.text('output'), flags.text('template')];
  const takesTemplate =
    output === undefined || /^(?:go-template|template|jsonpath)(?:-file)?$|^templatefile$/.test(output);
  const format = template !== undefined && takesTemplate ? `${output ?? 'go-template'}=${template}` : output;
  return {
    format,
    showManagedFields: flags.on('show-managed-fields'),
    noHeaders: flags.on('no-headers'),
    read: (path) => files.read(path),
  };
}

/** `-o yaml`, `-o json`, `-o name`, `-o jsonpath=…`, `-o custom-columns=…`, `-o go-template=…`: the text, or undefined for tables. */
export function printAs(printing: Printing, groups: readonly Group[], single: boolean): string | undefined {
  const { format } = printing;
  if (format === undefined || format === '' || format === 'wide') return undefined;
  const objects = groups.flatMap((group) =>
    group.objects.map(printing.showManagedFields ? (object) => object : withoutManagedFields),
  );
  const first = objects[0];
  const whole =
    single && first ? first : { apiVersion: 'v1', kind: 'List', items: objects, metadata: { resourceVersion: '' } };
  if (format === 'name') {
    return groups
      .flatMap(({ kind, objects: found }) => found.map((object) => `${printedName(kind, object.metadata.name)}\n`))
      .join('');
  }
  const [, columns] = /^custom-columns=?(.*)$/s.exec(readTemplate(format, printing)) ?? [];
  if (columns === '') throw new UsageError('error: custom-columns format specified but no custom columns given');
  if (columns !== undefined) return customColumns(columns, objects, printing.noHeaders ?? false);
  return printValue(whole, printing);
}

/** One value in a format that needs no kind. */
export function printValue(whole: unknown, printing: Printing): string {
  const format = printing.format ?? '';
  if (format === 'yaml') return toYaml(whole);
  if (format === 'json') return `${JSON.stringify(sorted(whole), null, 4)}\n`;
  const [, kind, template = ''] =
    /^(jsonpath-as-json|jsonpath|go-template|template)=?(.*)$/s.exec(readTemplate(format, printing)) ?? [];
  if (kind !== undefined && template === '')
    throw new UsageError('error: template format specified but no template given');
  if (kind === 'jsonpath') return evaluateJsonPath(template, whole);
  if (kind === 'jsonpath-as-json') return `${JSON.stringify(sorted(selectPath(template, whole)), null, 4)}\n`;
  if (kind !== undefined) return evaluateGoTemplate(template, whole);
  throw new UsageError(
    `error: unable to match a printer suitable for the output format "${format}", allowed formats are: ${FORMATS}`,
  );
}

/** `jsonpath-file=a.txt` → `jsonpath=` with the text of the file. */
function readTemplate(format: string, { read }: Printing): string {
  const [, kind, path = ''] = /^(jsonpath|go-template|custom-columns|template)-?file=?(.*)$/s.exec(format) ?? [];
  if (kind === undefined) return format;
  const text = read?.(path);
  if (text === undefined)
    throw new UsageError(`error: error reading --template ${path}, open ${path}: no such file or directory`);
  if (kind !== 'custom-columns') return `${kind}=${text}`;
  // The first line has the titles, the second the paths.
  const [titles = [], paths = []] = text.split('\n').map((line) => line.trim().split(/\s+/));
  return `custom-columns=${titles.map((title, index) => `${title}:${paths[index] ?? ''}`).join(',')}`;
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
function customColumns(template: string, objects: readonly KubeObject[], noHeaders: boolean): string {
  const columns = template.split(',').map((column) => {
    const [, title, path] = /^([^:]+):(.+)$/.exec(column) ?? [];
    if (title === undefined || path === undefined)
      throw new UsageError(`error: unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`);
    return { title, path };
  });
  const rows = objects.map((object) =>
    columns.map(({ path }) => selectPath(path, object).map(showValue).join(',') || '<none>'),
  );
  const head = columns.map(({ title }) => title);
  return noHeaders ? formatRows(rows, columnWidths(rows)) : formatTable(head, rows);
}

/** kubectl hides managedFields. */
function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

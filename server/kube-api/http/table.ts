import type { KindDefinition, KubeObject, PrintColumn } from '#domain';
import type { JsonRecord } from '../json.ts';

export interface TableOptions {
  /** `v1` or `v1beta1`. */
  readonly version: string;
  /** Wall time, for ages. */
  readonly nowMs: number;
  /** What each row carries of its object. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  /** False in later events of a watch. */
  readonly withColumns: boolean;
}

const definition = ({ name, priority, type }: PrintColumn): JsonRecord => ({
  name,
  type: type === 'date' ? 'string' : type,
  format: name === 'Name' ? 'name' : '',
  description: '',
  priority,
});

/** Objects as the rows that kubectl prints (meta.k8s.io Table). */
export function tableOf(
  kind: KindDefinition,
  objects: readonly KubeObject[],
  metadata: JsonRecord,
  options: TableOptions,
): JsonRecord {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata,
    columnDefinitions: options.withColumns ? kind.columns.map(definition) : null,
    rows: objects.map((object) => row(kind, object, options)),
  };
}

function row(kind: KindDefinition, object: KubeObject, { nowMs, includeObject, version }: TableOptions): JsonRecord {
  const cells = kind.columns.map((column) => cellOf(column, object, nowMs));
  if (includeObject === 'None') return { cells };
  return { cells, object: includeObject === 'Object' ? object : partialMetadata(object, version) };
}

function cellOf(column: PrintColumn, object: KubeObject, nowMs: number): string | number {
  const text = column.cell(object, nowMs);
  return column.type === 'integer' && /^-?\d+$/.test(text) ? Number(text) : text;
}

/** An object without spec and status. */
export const partialMetadata = (object: KubeObject, version: string): JsonRecord => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: object.metadata,
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldProblem, JsonSchema, KindDefinition, KubeObject, PrintColumn } from '#domain';
import { formatAge } from '#domain';
import { type Field, specOf } from '../rules/field.ts';
import { Findings } from '../rules/findings.ts';

interface KindOptions {
  readonly group: string;
  /** Preferred first. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  /** Columns between NAME and AGE. */
  readonly columns?: readonly PrintColumn[];
  /** File name of the schema. Absent: the kind in lower case. */
  readonly schema?: string;
  readonly namespaced?: boolean;
  readonly check?: (spec: Field, findings: Findings, object: KubeObject) => void;
}

const nameColumn: PrintColumn = {
  name: 'Name',
  type: 'string',
  priority: 0,
  cell: (object) => object.metadata.name,
};

const ageColumn: PrintColumn = {
  name: 'Age',
  type: 'date',
  priority: 0,
  cell: (object, nowMs) => {
    const then = Date.parse(object.metadata.creationTimestamp ?? '');
    return Number.isNaN(then) ? '<unknown>' : formatAge(nowMs - then);
  },
};

/** A column from the spec, printed as an API server prints a CRD's column: lists as JSON, nothing when absent. */
export function specColumn(name: string, path: string): PrintColumn {
  const cell = (object: KubeObject): string => {
    const { value } = specOf(object).at(path);
    if (value === undefined || value === null) return '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  return { name, type: 'string', priority: 0, cell };
}

/** The schema file, read when first asked for. */
function lazySchema(name: string): () => JsonSchema {
  let schema: JsonSchema | undefined;
  return () => {
    schema ??= JSON.parse(readFileSync(join(import.meta.dirname, '../schemas', `${name}.json`), 'utf8')) as JsonSchema;
    return schema;
  };
}

/** A kind of Istio's API, served in all its versions as one. */
export function defineKind(options: KindOptions): KindDefinition {
  const { check } = options;
  const validate = (object: KubeObject): FieldProblem[] => {
    const findings = new Findings();
    check?.(specOf(object), findings, object);
    return findings.problems;
  };
  const isIstio = options.group.endsWith('.istio.io');
  return {
    group: options.group,
    versions: options.versions,
    kind: options.kind,
    plural: options.plural,
    singular: options.kind.toLowerCase(),
    shortNames: options.shortNames ?? [],
    categories: isIstio ? ['istio-io', options.group.replaceAll('.', '-')] : ['gateway-api'],
    namespaced: options.namespaced ?? true,
    columns: [nameColumn, ...(options.columns ?? []), ageColumn],
    schema: lazySchema(options.schema ?? options.kind.toLowerCase()),
    ...(check ? { validate } : {}),
  };
}

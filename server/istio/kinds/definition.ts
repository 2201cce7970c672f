import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldProblem, JsonSchema, KindDefinition, KubeObject, PrintColumn } from '#domain';
import { formatAge, parseApiVersion } from '#domain';
import { checkAnnotations } from '../rules/annotations.ts';
import { type Field, specOf } from '../rules/field.ts';
import { Findings } from '../rules/findings.ts';
import { checkFields } from '../schema/check.ts';
import { checkConstraints } from '../schema/constraints.ts';
import { withDefaults } from '../schema/defaults.ts';
import { checkSchemaRules, checkTransitionRules, hasTransitionRules } from '../schema/rules.ts';

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
  /** Versions whose schema differs, with a file of their own under `schemas/versions`. */
  readonly differing?: readonly string[];
  /** The rules of Istio's validation webhook. */
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

const FOLDER = join(import.meta.dirname, '../schemas');

/** The schema file, read when first asked for; `versions` are those with a file of their own. */
function lazySchema(name: string, versions: readonly string[]): (version?: string) => JsonSchema {
  const read = new Map<string, JsonSchema>();
  return (version) => {
    const file = version !== undefined && versions.includes(version) ? `versions/${name}.${version}` : name;
    const known = read.get(file);
    if (known) return known;
    const schema = JSON.parse(readFileSync(join(FOLDER, `${file}.json`), 'utf8')) as JsonSchema;
    read.set(file, schema);
    return schema;
  };
}

/** Bounds, then the rules across fields: these suppose that the fields themselves are right. */
function schemaProblems(object: KubeObject, schema: JsonSchema): FieldProblem[] {
  const complete = withDefaults(object, schema, schema);
  const bounds = checkConstraints(complete, schema);
  const wrong = bounds.length > 0 || checkFields(object, schema).length > 0;
  return wrong ? bounds : checkSchemaRules(complete, schema);
}

/** Where schema and webhook refuse the same field, the webhook's words say it: they have a hint of their own. */
function joined(ofSchema: readonly FieldProblem[], ofWebhook: readonly FieldProblem[]): FieldProblem[] {
  const said = new Set(ofWebhook.filter(({ severity }) => severity === 'error').map(({ path }) => path));
  return [...ofSchema.filter(({ path }) => !said.has(path)), ...ofWebhook];
}

/** A kind of Istio's API, served in all its versions as one. */
export function defineKind(options: KindOptions): KindDefinition {
  const { check } = options;
  const isIstio = options.group.endsWith('.istio.io');
  const schema = lazySchema(options.schema ?? options.kind.toLowerCase(), options.differing ?? []);
  const validate = (object: KubeObject): FieldProblem[] => {
    const findings = new Findings();
    if (!isIstio || checkAnnotations(object, findings)) check?.(specOf(object), findings, object);
    return joined(schemaProblems(object, schema(parseApiVersion(object.apiVersion).version)), findings.problems);
  };
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
    schema,
    validate,
    validateUpdate: (object, old) => {
      const rules = schema(parseApiVersion(object.apiVersion).version);
      if (!hasTransitionRules(rules)) return [];
      return checkTransitionRules(withDefaults(object, rules, rules), withDefaults(old, rules, rules), rules);
    },
  };
}

import type { FieldProblem, JsonSchema } from '#domain';
import { searches } from '../cel/functions.ts';
import { catalogued } from '../diagnostics/diagnostic.ts';
import { childPath } from '../manifests/path.ts';
import { formatHolds } from './formats.ts';
import { asList, type Fields, fieldSchema, isFields, resolve } from './node.ts';

interface Walk {
  readonly root: JsonSchema;
  readonly problems: FieldProblem[];
  /** Inside oneOf, anyOf, allOf and not, where types and supported values count as well. */
  readonly part?: true;
}

const quoted = (value: unknown): string => JSON.stringify(value) ?? 'null';

function report(walk: Walk, path: string, message: string): void {
  walk.problems.push(catalogued('MW0105', path, { message }));
}

function checkNumber(value: number, schema: Fields, path: string, walk: Walk): void {
  const { minimum, maximum } = schema;
  const invalid = (what: string): void =>
    report(walk, path, `Invalid value: ${value}: ${path} in body should be ${what}`);
  if (typeof minimum === 'number' && value < minimum) invalid(`greater than or equal to ${minimum}`);
  if (typeof maximum === 'number' && value > maximum) invalid(`less than or equal to ${maximum}`);
}

/** Says the first of several things that are wrong with a text. */
function checkText(value: string, schema: Fields, path: string, walk: Walk): void {
  const { minLength, maxLength, pattern } = schema;
  const length = value.length === 0 ? 0 : [...value].length;
  const invalid = (what: string): void =>
    report(walk, path, `Invalid value: ${quoted(value)}: ${path} in body should ${what}`);
  if (typeof maxLength === 'number' && length > maxLength) {
    report(walk, path, `Too long: may not be more than ${maxLength} bytes`);
  } else if (typeof minLength === 'number' && length < minLength) invalid(`be at least ${minLength} chars long`);
  else if (typeof pattern === 'string' && !searches(value, pattern)) invalid(`match '${pattern}'`);
}

/** Entries of a list that is a set, or a map by some of its fields, are there once. */
function checkUnique(value: readonly unknown[], schema: Fields, path: string, walk: Walk): void {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return;
  const keys = asList(schema['x-kubernetes-list-map-keys']).map(String);
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const identity =
      type === 'set' ? item : Object.fromEntries(keys.map((key) => [key, isFields(item) ? item[key] : '']));
    const text = quoted(identity);
    if (seen.has(text)) report(walk, childPath(path, index), `Duplicate value: ${text}`);
    seen.add(text);
  }
}

function checkList(value: readonly unknown[], schema: Fields, path: string, walk: Walk): void {
  const { minItems, maxItems } = schema;
  if (typeof minItems === 'number' && value.length < minItems) {
    report(walk, path, `Invalid value: ${value.length}: ${path} in body should have at least ${minItems} items`);
  }
  if (typeof maxItems === 'number' && value.length > maxItems) {
    report(walk, path, `Too many: ${value.length}: must have at most ${maxItems} items`);
  }
  checkUnique(value, schema, path, walk);
  for (const [index, item] of value.entries()) visit(item, schema['items'], childPath(path, index), walk);
}

function checkMap(value: Fields, schema: Fields, path: string, walk: Walk): void {
  const { minProperties, maxProperties } = schema;
  const count = Object.keys(value).length;
  if (typeof minProperties === 'number' && count < minProperties) {
    report(walk, path, `Invalid value: ${count}: ${path} in body should have at least ${minProperties} properties`);
  }
  if (typeof maxProperties === 'number' && count > maxProperties) {
    report(walk, path, `Too many: ${count}: must have at most ${maxProperties} items`);
  }
  for (const [name, field] of Object.entries(value)) {
    visit(field, fieldSchema(schema, name), childPath(path, name), walk);
  }
}

/** Whether a part of oneOf, anyOf, allOf or not holds. Such parts say which fields are there, and bounds of numbers and texts. */
function holds(value: unknown, part: unknown, root: JsonSchema): boolean {
  if (!isFields(part)) return true;
  const own: Walk = { root, problems: [], part: true };
  visit(value, part, '', own);
  if (own.problems.length > 0) return false;
  return asked(part).every((name) => isFields(value) && value[name] !== undefined && value[name] !== null);
}

/** The fields that a part asks for: the parts of Istio's exclusions ask for one each. */
const asked = (part: unknown): readonly string[] => (isFields(part) ? asList(part['required']).map(String) : []);

function checkOneOf(value: unknown, parts: readonly unknown[], path: string, walk: Walk): void {
  const valid = parts.filter((part) => holds(value, part, walk.root));
  if (valid.length === 1) return;
  const what = valid.length > 1 ? `Found ${valid.length} valid alternatives` : 'Found none valid';
  const message = `Invalid value: ${path} in body must validate one and only one schema (oneOf). ${what}`;
  const fields = valid.flatMap(asked);
  const hint = fields.length > 1 ? `Keep one of ${fields.join(', ')}: they exclude each other.` : undefined;
  walk.problems.push(catalogued('MW0105', path, { message }, hint));
}

function checkAlternatives(value: unknown, schema: Fields, path: string, walk: Walk): void {
  const { oneOf, anyOf, allOf, not } = schema;
  if (Array.isArray(oneOf)) checkOneOf(value, oneOf, path, walk);
  if (Array.isArray(anyOf) && !anyOf.some((part) => holds(value, part, walk.root))) {
    report(walk, path, `Invalid value: ${path} in body must validate at least one schema (anyOf)`);
  }
  for (const part of asList(allOf)) if (isFields(part)) checkAlternatives(value, part, path, walk);
  if (not !== undefined && holds(value, not, walk.root)) {
    report(walk, path, `Invalid value: ${path} in body must not validate the schema (not)`);
  }
}

function isSupported(value: unknown, schema: Fields): boolean {
  const { type, enum: supported } = schema;
  if (Array.isArray(supported) && !supported.includes(value)) return false;
  if (type === 'integer') return Number.isInteger(value);
  return type !== 'string' || typeof value === 'string';
}

function visit(value: unknown, input: unknown, path: string, walk: Walk): void {
  const schema = resolve(input, walk.root);
  // Null means "not set".
  if (!schema || value === null || value === undefined) return;
  if (walk.part && !isSupported(value, schema)) report(walk, path, 'Unsupported value');
  const { format } = schema;
  if (typeof format === 'string' && !formatHolds(value, format)) {
    report(walk, path, `Invalid value: ${quoted(value)}: ${path} in body must be of type ${format}: ${quoted(value)}`);
  }
  if (typeof value === 'number') checkNumber(value, schema, path, walk);
  else if (typeof value === 'string') checkText(value, schema, path, walk);
  else if (Array.isArray(value)) checkList(value, schema, path, walk);
  else if (isFields(value)) checkMap(value, schema, path, walk);
  checkAlternatives(value, schema, path, walk);
}

/**
 * Checks the values of an object, defaults filled in, against the bounds of its kind's schema, as an API server does: length, pattern, range, number and uniqueness
 * of entries, which fields exclude each other. Types, names and required fields are `checkFields`.
 */
export function checkConstraints(object: unknown, schema: JsonSchema): FieldProblem[] {
  const walk: Walk = { root: schema, problems: [] };
  visit(object, schema, '', walk);
  return walk.problems;
}

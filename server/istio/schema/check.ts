import type { FieldProblem, JsonSchema } from '#domain';
import { catalogued } from '../diagnostics/diagnostic.ts';
import { meaningOf } from '../diagnostics/suggest.ts';
import { childPath } from '../manifests/path.ts';
import { asList, type Fields, isFields, resolve } from './node.ts';

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

interface Walk {
  readonly root: JsonSchema;
  readonly problems: FieldProblem[];
}

function typeProblem(value: unknown, types: readonly string[], path: string): FieldProblem | undefined {
  const actual = typeOf(value);
  if (types.includes(actual) || (actual === 'integer' && types.includes('number'))) return undefined;
  const expected = types.join(' or ');
  return catalogued('MW0102', path, { path, actual, expected }, typeHint(value, types));
}

function typeHint(value: unknown, types: readonly string[]): string | undefined {
  const isNumber = types.includes('integer') || types.includes('number');
  if (typeof value === 'string' && isNumber && value.trim() !== '' && Number.isFinite(Number(value))) {
    return `Remove the quotes: write ${value.trim()}.`;
  }
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    return `Put the value in quotes: "${value}".`;
  }
  if (types.includes('array') && value !== null) return 'Write a list: put "- " before the entry.';
  if (types.includes('object') && Array.isArray(value)) return 'Remove the "- ": this field is one object, not a list.';
  return undefined;
}

function typesOf(schema: Fields): readonly string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return ['integer', 'string'];
  const { type } = schema;
  return typeof type === 'string' ? [type] : Array.isArray(type) ? type.map(String) : [];
}

function visit(value: unknown, input: unknown, path: string, walk: Walk): void {
  const schema = resolve(input, walk.root);
  // Null means "not set".
  if (!schema || value === null || value === undefined) return;
  const types = typesOf(schema);
  const wrongType = types.length > 0 ? typeProblem(value, types, path) : undefined;
  if (wrongType) {
    walk.problems.push(wrongType);
    return;
  }
  const supported = schema['enum'];
  if (Array.isArray(supported) && !supported.includes(value)) walk.problems.push(enumProblem(value, supported, path));
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const at = childPath(path, index);
      if (item === null) visitNullItem(schema['items'], at, walk);
      else visit(item, schema['items'], at, walk);
    }
  } else if (isFields(value)) visitFields(value, schema, path, walk);
}

/** Only fields can be left out by a null: an item of a list is there. */
function visitNullItem(input: unknown, path: string, walk: Walk): void {
  const schema = resolve(input, walk.root);
  if (!schema || schema['nullable'] === true) return;
  const expected = typesOf(schema);
  const wrongType = expected.length > 0 ? typeProblem(null, expected, path) : undefined;
  if (wrongType) walk.problems.push(wrongType);
}

function enumProblem(value: unknown, supported: readonly unknown[], path: string): FieldProblem {
  const words = supported.map(String);
  const values = { value: String(value), supported: words.map((word) => `"${word}"`).join(', ') };
  return catalogued('MW0103', path, values, meaningOf(String(value), words));
}

function visitFields(value: Fields, schema: Fields, path: string, walk: Walk): void {
  const properties = isFields(schema['properties']) ? schema['properties'] : {};
  const others = schema['additionalProperties'];
  for (const [key, child] of Object.entries(value)) {
    const at = childPath(path, key);
    if (Object.hasOwn(properties, key)) visit(child, properties[key], at, walk);
    else if (isFields(others)) visit(child, others, at, walk);
    else if (others === false) {
      walk.problems.push(catalogued('MW0101', at, { path: at }, meaningOf(key, Object.keys(properties))));
    }
  }
  for (const field of asList(schema['required']).map(String)) {
    const absent = value[field] === undefined || value[field] === null;
    // The server fills in a default before it asks what is required.
    const filled = resolve(properties[field], walk.root)?.['default'] !== undefined;
    if (!absent || filled) continue;
    walk.problems.push(catalogued('MW0104', childPath(path, field), { field: childPath(path, field) }));
  }
}

/** Checks an object's fields against its kind's schema: unknown fields, types, enums, required fields, each at its exact path. */
export function checkFields(object: unknown, schema: JsonSchema): FieldProblem[] {
  const walk: Walk = { root: schema, problems: [] };
  visit(object, schema, '', walk);
  return walk.problems;
}

import type { FieldProblem, JsonSchema } from '#domain';
import { compileCel } from '../cel/evaluate.ts';
import { CelEvaluationError } from '../cel/functions.ts';
import { catalogued } from '../diagnostics/diagnostic.ts';
import { childPath } from '../manifests/path.ts';
import { asList, fieldSchema, isFields, resolve } from './node.ts';

interface Walk {
  readonly root: JsonSchema;
  readonly problems: FieldProblem[];
}

type Program = ReturnType<typeof compileCel>;
const programs = new Map<string, Program>();

function programOf(rule: string): Program {
  const known = programs.get(rule);
  if (known) return known;
  const program = compileCel(rule);
  programs.set(rule, program);
  return program;
}

/** Rules about an update compare with the stored object; there is none here. */
const isTransition = (rule: string): boolean => /\boldSelf\b/.test(rule);

function verdict(rule: string, value: unknown): { readonly holds: boolean; readonly why?: string } {
  try {
    return { holds: programOf(rule)(value) === true };
  } catch (error) {
    if (error instanceof CelEvaluationError) return { holds: false, why: error.message };
    throw error;
  }
}

function checkRules(value: unknown, rules: unknown, path: string, walk: Walk): void {
  for (const each of asList(rules)) {
    if (!isFields(each)) continue;
    const rule = String(each['rule']);
    if (isTransition(rule)) continue;
    const { holds, why } = verdict(rule, value);
    if (holds) continue;
    const message = each['message'] ?? (why === undefined ? `failed rule: ${rule}` : why);
    walk.problems.push(catalogued('MW0106', path, { message: String(message) }));
  }
}

function visit(value: unknown, input: unknown, path: string, walk: Walk): void {
  const schema = resolve(input, walk.root);
  if (!schema || value === null || value === undefined) return;
  const rules = schema['x-kubernetes-validations'];
  if (rules !== undefined) checkRules(value, rules, path, walk);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(item, schema['items'], childPath(path, index), walk);
  } else if (isFields(value)) {
    for (const [name, field] of Object.entries(value)) {
      visit(field, fieldSchema(schema, name), childPath(path, name), walk);
    }
  }
}

/** Checks an object, defaults filled in, against the CEL rules in its kind's schema (`x-kubernetes-validations`). */
export function checkSchemaRules(object: unknown, schema: JsonSchema): FieldProblem[] {
  const walk: Walk = { root: schema, problems: [] };
  visit(object, schema, '', walk);
  return walk.problems;
}

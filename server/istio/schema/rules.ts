import type { FieldProblem, JsonSchema } from '#domain';
import { compileCel } from '../cel/evaluate.ts';
import { CelEvaluationError } from '../cel/functions.ts';
import { catalogued } from '../diagnostics/diagnostic.ts';
import { childPath } from '../manifests/path.ts';
import { asList, fieldSchema, isFields, resolve } from './node.ts';

interface Walk {
  readonly root: JsonSchema;
  /** Whether the rules about an update are checked, or the others. */
  readonly transitions: boolean;
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

/** Rules about an update compare with the stored value; they hold where there is none. */
const isTransition = (rule: string): boolean => /\boldSelf\b/.test(rule);

function verdict(rule: string, value: unknown, old: unknown): { readonly holds: boolean; readonly why?: string } {
  try {
    return { holds: programOf(rule)(value, old) === true };
  } catch (error) {
    if (error instanceof CelEvaluationError) return { holds: false, why: error.message };
    throw error;
  }
}

function checkRules(value: unknown, old: unknown, rules: unknown, path: string, walk: Walk): void {
  for (const each of asList(rules)) {
    if (!isFields(each)) continue;
    const rule = String(each['rule']);
    if (isTransition(rule) !== walk.transitions) continue;
    const { holds, why } = verdict(rule, value, old);
    if (holds) continue;
    const message = each['message'] ?? (why === undefined ? `failed rule: ${rule}` : why);
    walk.problems.push(catalogued('MW0106', path, { message: String(message) }));
  }
}

function visit(value: unknown, old: unknown, input: unknown, path: string, walk: Walk): void {
  const schema = resolve(input, walk.root);
  if (!schema || value === null || value === undefined) return;
  if (walk.transitions && (old === null || old === undefined)) return;
  const rules = schema['x-kubernetes-validations'];
  if (rules !== undefined) checkRules(value, old, rules, path, walk);
  if (Array.isArray(value)) {
    // Which item an item was before is known for no list here.
    if (walk.transitions) return;
    for (const [index, item] of value.entries()) visit(item, undefined, schema['items'], childPath(path, index), walk);
  } else if (isFields(value)) {
    const before = isFields(old) ? old : {};
    for (const [name, field] of Object.entries(value)) {
      visit(field, before[name], fieldSchema(schema, name), childPath(path, name), walk);
    }
  }
}

/** Checks an object, defaults filled in, against the CEL rules in its kind's schema (`x-kubernetes-validations`). */
export function checkSchemaRules(object: unknown, schema: JsonSchema): FieldProblem[] {
  const walk: Walk = { root: schema, transitions: false, problems: [] };
  visit(object, undefined, schema, '', walk);
  return walk.problems;
}

const known = new WeakMap<JsonSchema, boolean>();

/** Whether a schema has any rule about an update: most have none. */
export function hasTransitionRules(schema: JsonSchema): boolean {
  const has = known.get(schema) ?? JSON.stringify(schema).includes('oldSelf');
  known.set(schema, has);
  return has;
}

/** Checks an object against those rules that compare it with what is stored: fields that never change. */
export function checkTransitionRules(object: unknown, old: unknown, schema: JsonSchema): FieldProblem[] {
  const walk: Walk = { root: schema, transitions: true, problems: [] };
  visit(object, old, schema, '', walk);
  return walk.problems;
}

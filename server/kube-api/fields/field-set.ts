import { canonicalJson, isRecord, type JsonRecord } from '../json.ts';
import { badRequest } from '../status-error.ts';

/**
 * A set of field paths as a tree. A step is written as `fieldsV1` writes it: `f:spec`, `k:{"name":"app"}` (an item of a keyed list),
 * `v:"x"` (an item of a set). Never changed once built, except by the function that builds it.
 */
export interface FieldSet {
  /** The path to this place is itself in the set. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const EMPTY: FieldSet = { member: false, children: new Map() };

export const fieldStep = (name: string): string => `f:${name}`;
export const valueStep = (value: unknown): string => `v:${JSON.stringify(value)}`;

const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

/** The step to an item of a keyed list, keys in alphabetical order. A key that an item leaves out has its default. */
export function itemStep(item: unknown, keys: readonly string[]): string {
  const record = isRecord(item) ? item : {};
  const entries = keys.map((key) => [key, record[key] ?? KEY_DEFAULTS[key]] as const);
  return `k:${canonicalJson(Object.fromEntries(entries.filter(([, value]) => value !== undefined)))}`;
}

export function isEmpty(set: FieldSet): boolean {
  return !set.member && [...set.children.values()].every(isEmpty);
}

/** A tree that is being built. */
export class FieldSetBuilder {
  #member = false;
  readonly #children = new Map<string, FieldSetBuilder>();

  child(step: string): FieldSetBuilder {
    const known = this.#children.get(step) ?? new FieldSetBuilder();
    this.#children.set(step, known);
    return known;
  }

  insert(): void {
    this.#member = true;
  }

  /** The finished set, without empty branches. */
  build(): FieldSet {
    const children = new Map<string, FieldSet>();
    for (const [step, builder] of this.#children) {
      const child = builder.build();
      if (child.member || child.children.size > 0) children.set(step, child);
    }
    return { member: this.#member, children };
  }
}

type Combine = (a: boolean, b: boolean) => boolean;

function combine(a: FieldSet, b: FieldSet, rule: Combine): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const step of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(step) ?? EMPTY, b.children.get(step) ?? EMPTY, rule);
    if (child.member || child.children.size > 0) children.set(step, child);
  }
  return { member: rule(a.member, b.member), children };
}

export const union = (a: FieldSet, b: FieldSet): FieldSet => combine(a, b, (x, y) => x || y);
export const difference = (a: FieldSet, b: FieldSet): FieldSet => combine(a, b, (x, y) => x && !y);
export const intersection = (a: FieldSet, b: FieldSet): FieldSet => combine(a, b, (x, y) => x && y);

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  return isEmpty(difference(a, b)) && isEmpty(difference(b, a));
}

/** `fieldsV1`: a leaf is `{}`, a member with content below has `"."`. */
export function toFieldsV1(set: FieldSet): JsonRecord {
  const entries: [string, unknown][] = set.member && set.children.size > 0 ? [['.', {}]] : [];
  for (const step of [...set.children.keys()].sort()) entries.push([step, toFieldsV1(set.children.get(step) ?? EMPTY)]);
  return Object.fromEntries(entries);
}

const STEP = /^(f:|k:\{|v:|i:\d)/;

/** Reads `fieldsV1`. Throws BadRequest for steps that are none. */
export function fromFieldsV1(fields: unknown, root = true): FieldSet {
  if (!isRecord(fields)) throw badRequest('invalid managed fields: fieldsV1 must be an object');
  const children = new Map<string, FieldSet>();
  for (const [step, below] of Object.entries(fields)) {
    if (step === '.') continue;
    if (!STEP.test(step)) throw badRequest(`invalid managed fields: cannot read the path element "${step}"`);
    children.set(step, fromFieldsV1(below, false));
  }
  return { member: !root && (children.size === 0 || Object.hasOwn(fields, '.')), children };
}

/** Paths as conflicts name them: `.spec.containers[name="app"].image`. */
export function pathsOf(set: FieldSet): string[] {
  const paths: string[] = [];
  const walk = (node: FieldSet, path: string): void => {
    if (node.member) paths.push(path);
    for (const [step, child] of node.children) walk(child, path + stepText(step));
  };
  walk(set, '');
  return paths;
}

function stepText(step: string): string {
  const text = step.slice(2);
  if (step.startsWith('f:')) return `.${text}`;
  if (step.startsWith('v:')) return `[=${text}]`;
  if (step.startsWith('i:')) return `[${text}]`;
  const keys: unknown = JSON.parse(text);
  const pairs = Object.entries(isRecord(keys) ? keys : {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `[${pairs.join(',')}]`;
}

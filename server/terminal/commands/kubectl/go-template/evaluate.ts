import { UsageError } from '../../../command.ts';
import { functions, type GoValue, holds, show } from './functions.ts';
import { type Node, type Operand, type Pipeline, parseTemplate, TemplateError } from './parse.ts';

const MAX_OUTPUT = 4_194_304;
const MAX_STEPS = 1_000_000;

/** Fills a Go template from an object, as `kubectl get -o go-template=` does. Throws UsageError. */
export function evaluateGoTemplate(template: string, root: unknown): string {
  let nodes: readonly Node[];
  try {
    nodes = parseTemplate(template);
  } catch (error) {
    if (error instanceof TemplateError)
      throw new UsageError(`error: error parsing template ${template}, template: output:1: ${error.message}`);
    throw error;
  }
  const run = new Run(root);
  try {
    run.list(nodes, root);
  } catch (error) {
    if (error instanceof TemplateError)
      throw new UsageError(
        `error: error executing template "${template}": template: output:1: executing "output": ${error.message}`,
      );
    throw error;
  }
  return run.output;
}

type Jump = 'break' | 'continue' | undefined;

class Run {
  output = '';
  #steps = 0;
  readonly #variables: { readonly name: string; value: GoValue }[];
  constructor(root: GoValue) {
    this.#variables = [{ name: '$', value: root }];
  }

  list(nodes: readonly Node[], cursor: GoValue): Jump {
    const depth = this.#variables.length;
    for (const node of nodes) {
      const jump = this.#node(node, cursor);
      if (jump) {
        this.#variables.length = depth;
        return jump;
      }
    }
    this.#variables.length = depth;
    return undefined;
  }

  #node(node: Node, cursor: GoValue): Jump {
    this.#step();
    switch (node.type) {
      case 'text':
        this.#print(node.text);
        return undefined;
      case 'print': {
        const value = this.#pipeline(node.pipeline, cursor);
        if (node.pipeline.variables.length === 0) this.#print(show(value));
        return undefined;
      }
      case 'break':
      case 'continue':
        return node.type;
      case 'range':
        return this.#range(node, cursor);
      default:
        return this.#choose(node, cursor);
    }
  }

  /** What the pipeline declares holds in both halves. */
  #choose(node: Node & { readonly type: 'if' | 'with' | 'range' }, cursor: GoValue): Jump {
    const depth = this.#variables.length;
    const value = this.#pipeline(node.pipeline, cursor);
    const jump = holds(value)
      ? this.list(node.body, node.type === 'with' ? value : cursor)
      : this.list(node.otherwise, cursor);
    this.#variables.length = depth;
    return jump;
  }

  #range({ pipeline, body, otherwise }: Node & { readonly type: 'if' | 'with' | 'range' }, cursor: GoValue): Jump {
    const value = this.#pipeline({ ...pipeline, variables: [] }, cursor);
    const items = itemsOf(value);
    if (items.length === 0) return this.list(otherwise, cursor);
    const depth = this.#variables.length;
    const [first, second] = pipeline.variables;
    for (const [key, item] of items) {
      if (first !== undefined) this.#variables.push({ name: first, value: second === undefined ? item : key });
      if (second !== undefined) this.#variables.push({ name: second, value: item });
      const jump = this.list(body, item);
      this.#variables.length = depth;
      if (jump === 'break') break;
    }
    return undefined;
  }

  #pipeline({ variables, declares, commands }: Pipeline, cursor: GoValue): GoValue {
    let value: GoValue;
    for (const [index, command] of commands.entries())
      value = this.#command(command, cursor, index === 0 ? [] : [value]);
    const [name] = variables;
    if (name !== undefined && declares) this.#variables.push({ name, value });
    else if (name !== undefined) this.#find(name).value = value;
    return value;
  }

  #command([first, ...rest]: readonly Operand[], cursor: GoValue, last: readonly GoValue[]): GoValue {
    this.#step();
    if (first?.type !== 'function') {
      if (rest.length + last.length > 0) throw new TemplateError("can't give argument to non-function");
      return first === undefined ? undefined : this.#operand(first, cursor);
    }
    const { name } = first;
    if (name === 'and' || name === 'or') return this.#short(name, rest, { cursor, last });
    const called = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (!called) throw new TemplateError(`function "${name}" not defined`);
    return called([...rest.map((operand) => this.#operand(operand, cursor)), ...last]);
  }

  /** `and` and `or` read no more operands than they need. */
  #short(
    name: 'and' | 'or',
    operands: readonly Operand[],
    { cursor, last }: { cursor: GoValue; last: readonly GoValue[] },
  ): GoValue {
    let value: GoValue;
    for (const operand of operands) {
      value = this.#operand(operand, cursor);
      if (holds(value) === (name === 'or')) return value;
    }
    return last.length > 0 ? last[0] : value;
  }

  #operand(operand: Operand, cursor: GoValue): GoValue {
    switch (operand.type) {
      case 'literal':
        return operand.value;
      case 'path':
        return fieldsOf(operand.from === 'cursor' ? cursor : this.#find(operand.from).value, operand.fields);
      case 'group':
        return fieldsOf(this.#pipeline(operand.pipeline, cursor), operand.fields);
      case 'function':
        return this.#command([operand], cursor, []);
    }
  }

  #find(name: string): { value: GoValue } {
    const found = this.#variables.findLast((each) => each.name === name);
    if (!found) throw new TemplateError(`undefined variable "${name}"`);
    return found;
  }

  #print(text: string): void {
    if (this.output.length + text.length > MAX_OUTPUT) throw new TemplateError('the output is larger than 4 MiB');
    this.output += text;
  }

  #step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new TemplateError('it ran too long and was stopped');
  }
}

function itemsOf(value: GoValue): [key: GoValue, item: GoValue][] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((item, index) => [BigInt(index), item]);
  if (typeof value === 'object') return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  throw new TemplateError(`range can't iterate over ${show(value)}`);
}

function fieldsOf(from: GoValue, fields: readonly string[]): GoValue {
  let value = from;
  for (const name of fields) {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'object' || Array.isArray(value))
      throw new TemplateError(`can't evaluate field ${name} in type interface {}`);
    value = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  }
  return value;
}

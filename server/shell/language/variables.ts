import { LimitReached } from './limit.ts';

const MAX_VARIABLES = 200;
/** Characters of one variable. */
export const MAX_VARIABLE = 1_048_576;

/** The variables of a shell, bounded. */
export class Variables {
  readonly #values: Map<string, string>;
  constructor(values: Map<string, string>) {
    this.#values = values;
  }
  /** A copy that can change by itself. */
  copy(): Variables {
    return new Variables(new Map(this.#values));
  }
  get(name: string): string | undefined {
    return this.#values.get(name);
  }
  /** Throws LimitReached. */
  set(name: string, value: string): void {
    if (value.length > MAX_VARIABLE) throw new LimitReached(`${name}: at most 1 MiB a variable`);
    if (!this.#values.has(name) && this.#values.size >= MAX_VARIABLES)
      throw new LimitReached(`at most ${MAX_VARIABLES} variables`);
    this.#values.set(name, value);
  }
  remove(name: string): void {
    this.#values.delete(name);
  }
  /** What programs see. */
  get all(): ReadonlyMap<string, string> {
    return this.#values;
  }
}

/** What `$name` stands for, or `$?` (the exit code before), `$#`, `$@`, `$*` (the arguments), `$0`. */
export function variableOf(name: string, variables: Variables, last: number): string | undefined {
  if (name === '?') return String(last);
  if (name === '0') return variables.get(name) ?? 'sh';
  if (!'#@*'.includes(name)) return variables.get(name);
  const given = argumentsOf(variables);
  return name === '#' ? String(given.length) : given.join(' ');
}

/** `$1`, `$2` and so on. */
export function argumentsOf(variables: Variables): string[] {
  const given: string[] = [];
  for (let text = variables.get('1'); text !== undefined; text = variables.get(String(given.length + 1)))
    given.push(text);
  return given;
}

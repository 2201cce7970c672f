import { UsageError } from '../../command.ts';
import { sprintf } from './functions.ts';
import type { Interpreter } from './interpreter.ts';
import { toCount } from './record.ts';
import type { Destination, Expression, Rule, Statement } from './syntax.ts';
import { textOf } from './values.ts';

/** What a statement does to those around it. */
type Jump = 'break' | 'continue' | 'next' | 'exit' | undefined;

export interface ProgramOutput {
  out(text: string): void;
  /** `print > file`, `print | command`. */
  write(name: string, text: string, to: Destination['to']): void;
}

/** Runs the rules of a program. Each run is a generator that yields now and then, so that the event loop gets its turn. */
export class Program {
  readonly #rules: readonly Rule[];
  readonly #values: Interpreter;
  readonly #output: ProgramOutput;
  readonly #open = new Set<Rule>();
  exitCode = 0;
  #exited = false;
  constructor(rules: readonly Rule[], values: Interpreter, output: ProgramOutput) {
    this.#rules = rules;
    this.#values = values;
    this.#output = output;
  }

  /** Whether records are read at all. */
  get reads(): boolean {
    return this.#rules.some(({ when }) => when !== 'begin');
  }
  get exited(): boolean {
    return this.#exited;
  }

  *begin(): Generator<void> {
    yield* this.#all('begin');
  }

  *end(): Generator<void> {
    this.#exited = false;
    yield* this.#all('end');
  }

  *record(): Generator<void> {
    for (const rule of this.#rules) {
      if (typeof rule.when === 'string' || !this.#applies(rule, rule.when)) continue;
      yield;
      if (rule.action === undefined) this.#output.out(this.#values.record.whole + this.#values.text('ORS'));
      else {
        const jump = yield* this.#run(rule.action);
        if (jump === 'next' || jump === 'exit') return;
      }
    }
  }

  *#all(when: 'begin' | 'end'): Generator<void> {
    for (const rule of this.#rules) {
      if (rule.when !== when || rule.action === undefined) continue;
      if ((yield* this.#run(rule.action)) === 'exit') return;
    }
  }

  #applies(rule: Rule, { from, to }: { from: Expression | undefined; to: Expression | undefined }): boolean {
    if (from === undefined) return true;
    if (to === undefined) return this.#values.truth(from);
    if (!this.#open.has(rule)) {
      if (!this.#values.truth(from)) return false;
      this.#open.add(rule);
    }
    if (this.#values.truth(to)) this.#open.delete(rule);
    return true;
  }

  *#run(statement: Statement): Generator<void, Jump> {
    yield;
    const values = this.#values;
    switch (statement.type) {
      case 'expression':
        values.value(statement.of);
        return undefined;
      case 'print':
      case 'printf':
        this.#print(statement);
        return undefined;
      case 'block':
        for (const each of statement.body) {
          const jump = yield* this.#run(each);
          if (jump) return jump;
        }
        return undefined;
      case 'if':
        if (values.truth(statement.test)) return yield* this.#run(statement.yes);
        return statement.no && (yield* this.#run(statement.no));
      case 'while':
        return yield* this.#while(statement);
      case 'do':
        do {
          const jump = yield* this.#run(statement.body);
          if (jump === 'break') break;
          if (jump === 'next' || jump === 'exit') return jump;
        } while (values.truth(statement.test));
        return undefined;
      case 'each':
        return yield* this.#each(statement);
      case 'delete':
        values.deleteFrom(statement.array, statement.keys && values.key(statement.keys));
        return undefined;
      case 'exit':
        if (statement.code) this.exitCode = toCount(values.value(statement.code)) & 0xff;
        this.#exited = true;
        return 'exit';
      default:
        return statement.type;
    }
  }

  *#while({ test, body, next }: Statement & { readonly type: 'while' }): Generator<void, Jump> {
    while (test === undefined || this.#values.truth(test)) {
      const jump = yield* this.#run(body);
      if (jump === 'break') break;
      if (jump === 'next' || jump === 'exit') return jump;
      if (next) yield* this.#run(next);
    }
    return undefined;
  }

  *#each({ variable, array, body }: Statement & { readonly type: 'each' }): Generator<void, Jump> {
    for (const key of [...this.#values.array(array).keys()]) {
      this.#values.set(variable, key);
      const jump = yield* this.#run(body);
      if (jump === 'break') break;
      if (jump === 'next' || jump === 'exit') return jump;
    }
    return undefined;
  }

  #print({ type, values, to }: Statement & { readonly type: 'print' | 'printf' }): void {
    const { text } = { text: (name: string) => this.#values.text(name) };
    const args = values.map((value) => this.#values.value(value));
    const line =
      type === 'printf'
        ? formatted(args)
        : (args.length === 0
            ? this.#values.record.whole
            : args.map((each) => textOf(each, text('OFMT'))).join(text('OFS'))) + text('ORS');
    this.#send(line, to);
  }

  #send(text: string, to: Destination | undefined): void {
    if (to === undefined) this.#output.out(text);
    else this.#output.write(textOf(this.#values.value(to.name)), text, to.to);
  }
}

function formatted(args: Parameters<typeof sprintf>[0]): string {
  try {
    return sprintf(args);
  } catch (error) {
    throw new UsageError(`awk: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
}

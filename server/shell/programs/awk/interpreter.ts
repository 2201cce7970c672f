import type { RE2JS } from 're2js';
import { UsageError } from '../../command.ts';
import { compilePattern } from '../regex/posix.ts';
import type { Work } from '../regex/work.ts';
import { type FunctionWorld, substitute, valueFunctions } from './functions.ts';
import { AwkRecord, type Separator, splitText, toCount } from './record.ts';
import type { Expression, Target } from './syntax.ts';
import { compare, given, numberOf, textOf, truthOf, type Value } from './values.ts';

const MAX_TEXT = 1_048_576;
const MAX_ELEMENTS = 200_000;
const MAX_PATTERNS = 100;

const CALCULATIONS: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
  '**': (a, b) => a ** b,
};

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** The values of a running program, and what its expressions come to. Source: POSIX, awk. */
export class Interpreter {
  readonly #variables = new Map<string, Value>([
    ['FS', ' '],
    ['OFS', ' '],
    ['ORS', '\n'],
    ['RS', '\n'],
    ['SUBSEP', '\u001c'],
    ['CONVFMT', '%.6g'],
    ['OFMT', '%.6g'],
    ['RSTART', 0],
    ['RLENGTH', -1],
    ['NR', 0],
    ['FNR', 0],
  ]);
  readonly #arrays = new Map<string, Map<string, Value>>();
  readonly #patterns = new Map<string, RE2JS>();
  readonly #work: Work;
  readonly #world: FunctionWorld;
  #elements = 0;
  readonly record = new AwkRecord(
    () => this.#separator(this.get('FS')),
    () => this.text('OFS'),
  );

  constructor(work: Work, world: FunctionWorld) {
    this.#work = work;
    this.#world = world;
  }

  get(name: string): Value {
    return name === 'NF' ? this.record.count : this.#variables.get(name);
  }
  text(name: string): string {
    return textOf(this.get(name));
  }
  set(name: string, value: Value): void {
    if (this.#arrays.has(name)) throw new UsageError(`awk: can't use the array ${name} as a variable`, 2);
    if (name === 'NF') this.record.count = toCount(value);
    else this.#variables.set(name, value);
  }
  setElement(array: string, key: string, value: Value): void {
    const elements = this.array(array);
    if (!elements.has(key) && ++this.#elements > MAX_ELEMENTS)
      throw new UsageError(`awk: at most ${MAX_ELEMENTS} elements of arrays`, 2);
    elements.set(key, value);
  }
  array(name: string): Map<string, Value> {
    if (this.#variables.has(name)) throw new UsageError(`awk: can't use the variable ${name} as an array`, 2);
    const array = this.#arrays.get(name) ?? new Map<string, Value>();
    this.#arrays.set(name, array);
    return array;
  }
  deleteFrom(array: string, key: string | undefined): void {
    const elements = this.array(array);
    const before = elements.size;
    if (key === undefined) elements.clear();
    else elements.delete(key);
    this.#elements -= before - elements.size;
  }

  truth(expression: Expression): boolean {
    return truthOf(this.value(expression));
  }

  key(keys: readonly Expression[]): string {
    return keys.map((key) => textOf(this.value(key), this.text('CONVFMT'))).join(this.text('SUBSEP'));
  }

  value(expression: Expression): Value {
    this.#work.step(200);
    switch (expression.type) {
      case 'number':
      case 'string':
        return expression.value;
      case 'group':
        return this.value(expression.of);
      case 'variable':
        return this.get(expression.name);
      case 'element':
        return this.#element(expression);
      case 'field':
        return this.record.field(toCount(this.value(expression.index)));
      case 'pattern':
        return Number(this.#matches(expression.pattern, this.record.whole));
      case 'assign':
        return this.#assign(expression);
      case 'step': {
        const before = numberOf(this.value(expression.target));
        this.#put(expression.target, before + expression.by);
        return expression.before ? before + expression.by : before;
      }
      case 'choose':
        return this.value(this.truth(expression.test) ? expression.yes : expression.no);
      case 'and':
        return Number(this.truth(expression.left) && this.truth(expression.right));
      case 'or':
        return Number(this.truth(expression.left) || this.truth(expression.right));
      case 'not':
        return Number(!this.truth(expression.of));
      case 'negative':
        return -numberOf(this.value(expression.of));
      case 'positive':
        return numberOf(this.value(expression.of));
      case 'concat':
        return bounded(this.#string(expression.left) + this.#string(expression.right));
      case 'calculate':
        return this.#calculate(expression.operator, this.value(expression.left), this.value(expression.right));
      case 'compare':
        return Number(
          COMPARISONS[expression.operator]!(compare(this.value(expression.left), this.value(expression.right))),
        );
      case 'match':
        return Number(
          this.#matches(this.#pattern(expression.right), this.#string(expression.left)) !== expression.negated,
        );
      case 'in':
        return Number(this.array(expression.array).has(this.key(expression.keys)));
      case 'call':
        return this.#call(expression.name, expression.args);
    }
  }

  #string(expression: Expression): string {
    return textOf(this.value(expression), this.text('CONVFMT'));
  }

  /** Reading an element makes it, as in every awk. */
  #element({ array, keys }: Target & { readonly type: 'element' }): Value {
    const key = this.key(keys);
    const elements = this.array(array);
    if (!elements.has(key)) this.setElement(array, key, undefined);
    return elements.get(key);
  }

  #assign({ target, operator, value }: Expression & { readonly type: 'assign' }): Value {
    const right = this.value(value);
    const result = operator === '' ? right : this.#calculate(operator, this.value(target), right);
    this.#put(target, result);
    return result;
  }

  #put(target: Target, value: Value): void {
    if (target.type === 'variable') this.set(target.name, value);
    else if (target.type === 'field') this.record.setField(toCount(this.value(target.index)), value ?? '');
    else this.setElement(target.array, this.key(target.keys), value);
  }

  #calculate(operator: string, left: Value, right: Value): number {
    const [a, b] = [numberOf(left), numberOf(right)];
    if (b === 0 && (operator === '/' || operator === '%'))
      throw new UsageError(`awk: division by zero${operator === '%' ? ' in %' : ''}`, 2);
    return CALCULATIONS[operator]!(a, b);
  }

  #matches(pattern: RE2JS, text: string): boolean {
    this.#work.search(pattern, text);
    return pattern.matcher(text).find();
  }

  /** A pattern between slashes, or a text that is read as one. */
  #pattern(expression: Expression): RE2JS {
    return expression.type === 'pattern' ? expression.pattern : this.#compiled(this.#string(expression));
  }

  #compiled(source: string): RE2JS {
    const known = this.#patterns.get(source);
    if (known) return known;
    if (this.#patterns.size >= MAX_PATTERNS) this.#patterns.clear();
    try {
      const pattern = compilePattern(source, { dialect: 'extended' });
      this.#patterns.set(source, pattern);
      return pattern;
    } catch (error) {
      throw new UsageError(`awk: ${error instanceof Error ? error.message : String(error)}`, 2);
    }
  }

  #separator(value: Value): Separator {
    const text = textOf(value);
    if (text === ' ') return 'blanks';
    if (text === '') return 'characters';
    if (text === '\\|' || (text.length === 1 && text !== '\\')) return { text: text.replace(/^\\/, '') };
    return { pattern: this.#compiled(text) };
  }

  #call(name: string, args: readonly Expression[]): Value {
    switch (name) {
      case 'length': {
        const [of] = args;
        if (of?.type === 'variable' && this.#arrays.has(of.name)) return this.array(of.name).size;
        return of === undefined ? this.record.whole.length : this.#string(of).length;
      }
      case 'split':
        return this.#split(args);
      case 'sub':
      case 'gsub':
        return this.#substitute(args, name === 'gsub');
      case 'match':
        return this.#match(args);
      case 'close':
      case 'fflush':
        return 0;
      case 'system':
        throw new UsageError('awk: system() is not part of this terminal', 2);
    }
    const result = valueFunctions[name]!(
      args.map((arg) => this.value(arg)),
      this.#world,
    );
    return typeof result === 'string' ? bounded(result) : result;
  }

  #split([text, array, separator]: readonly Expression[]): number {
    if (text === undefined || array?.type !== 'variable')
      throw new UsageError('awk: split needs a text and an array', 2);
    const whole = this.#string(text);
    const by =
      separator?.type === 'pattern'
        ? { pattern: separator.pattern }
        : this.#separator(separator === undefined ? this.get('FS') : this.value(separator));
    const parts = splitText(whole, by);
    this.#work.step(whole.length * 10);
    this.deleteFrom(array.name, undefined);
    for (const [index, part] of parts.entries()) this.setElement(array.name, String(index + 1), given(part));
    return parts.length;
  }

  #substitute([pattern, by, target]: readonly Expression[], all: boolean): number {
    if (pattern === undefined || by === undefined) throw new UsageError('awk: sub needs a pattern and a text', 2);
    const place: Expression = target ?? { type: 'field', index: { type: 'number', value: 0 } };
    const text = this.#string(place);
    const compiled = this.#pattern(pattern);
    this.#work.search(compiled, text);
    const replaced = substitute(compiled, { by: this.#string(by), target: text, all });
    if (replaced.count > 0 && (place.type === 'variable' || place.type === 'element' || place.type === 'field'))
      this.#put(place, bounded(replaced.text));
    return replaced.count;
  }

  #match([text, pattern]: readonly Expression[]): number {
    if (text === undefined || pattern === undefined) throw new UsageError('awk: match needs a text and a pattern', 2);
    const whole = this.#string(text);
    const compiled = this.#pattern(pattern);
    this.#work.search(compiled, whole);
    const found = compiled.matcher(whole);
    const there = found.find();
    this.set('RSTART', there ? found.start() + 1 : 0);
    this.set('RLENGTH', there ? found.end() - found.start() : -1);
    return there ? found.start() + 1 : 0;
  }
}

function bounded(text: string): string {
  if (text.length > MAX_TEXT) throw new UsageError('awk: a text is longer than 1 MiB', 2);
  return text;
}

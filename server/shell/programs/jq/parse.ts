import { UsageError } from '../../command.ts';

/** A filter, as jq's manual names its parts. */
export type Filter =
  | { readonly kind: 'identity' }
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'field'; readonly of: Filter; readonly key: Filter }
  | { readonly kind: 'slice'; readonly of: Filter; readonly from: Filter | undefined; readonly to: Filter | undefined }
  | { readonly kind: 'each'; readonly of: Filter }
  | { readonly kind: 'try'; readonly of: Filter }
  | { readonly kind: 'pipe' | 'comma'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'array'; readonly of: Filter | undefined }
  | { readonly kind: 'object'; readonly entries: readonly { readonly key: Filter; readonly value: Filter }[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Filter[] }
  | { readonly kind: 'text'; readonly parts: readonly (string | Filter)[] };

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(\/\/|==|!=|<=|>=|[.[\](){}|,:<>+\-*/%?;])|("))/y;
const MOST_DEPTH = 100;
/** What binds least stands first. */
const BINARY: readonly (readonly string[])[] = [
  ['//'],
  ['or'],
  ['and'],
  ['==', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];

const CONSTANTS: ReadonlyMap<string, unknown> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

const identity: Filter = { kind: 'identity' };

/** Reads a filter; throws UsageError with jq's own exit code for one that cannot be read. */
export function parseFilter(text: string): Filter {
  const parser = new Parser(text);
  const filter = parser.pipe();
  parser.end();
  return filter;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  pipe(): Filter {
    if (++this.#depth > MOST_DEPTH) this.#fail('it is nested too deeply');
    let left = this.#comma();
    while (this.#take('|')) left = { kind: 'pipe', left, right: this.#comma() };
    this.#depth--;
    return left;
  }

  end(): void {
    if (this.#text.slice(this.#at).trim() !== '')
      this.#fail(`"${this.#text.slice(this.#at).trim().slice(0, 20)}" is not understood`);
  }

  #comma(): Filter {
    let left = this.#binary(0);
    while (this.#take(',')) left = { kind: 'comma', left, right: this.#binary(0) };
    return left;
  }

  #binary(level: number): Filter {
    const operators = BINARY[level];
    if (operators === undefined) return this.#postfix();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators.find((one) => this.#take(one));
      if (operator === undefined) return left;
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1) };
    }
  }

  #postfix(): Filter {
    let filter = this.#term();
    for (;;) {
      if (this.#take('?')) filter = { kind: 'try', of: filter };
      else if (this.#peek() === '.' && /^\s*\.\s*[A-Za-z_"[]/.test(this.#text.slice(this.#at))) {
        this.#take('.');
        filter = this.#peek() === '[' ? filter : { kind: 'field', of: filter, key: this.#key() };
      } else if (this.#take('[')) filter = this.#bracket(filter);
      else return filter;
    }
  }

  #term(): Filter {
    const token = this.#next();
    if (token === undefined) this.#fail('it ends too early');
    if (/^\d/.test(token)) return { kind: 'literal', value: Number(token) };
    if (token === '"') return this.#string();
    if (token === '-')
      return { kind: 'binary', operator: '-', left: { kind: 'literal', value: 0 }, right: this.#postfix() };
    if (token === '(') return this.#closed(this.pipe(), ')');
    if (token === '[')
      return this.#take(']') ? { kind: 'array', of: undefined } : { kind: 'array', of: this.#closed(this.pipe(), ']') };
    if (token === '{') return this.#object();
    if (token === '.') return this.#afterDot();
    if (!/^[A-Za-z_]/.test(token)) this.#fail(`"${token}" is not expected here`);
    return CONSTANTS.has(token) ? { kind: 'literal', value: CONSTANTS.get(token) } : this.#call(token);
  }

  #afterDot(): Filter {
    const next = /^(?:[A-Za-z_"])/.test(this.#text.slice(this.#at)) ? this.#key() : undefined;
    if (next !== undefined) return { kind: 'field', of: identity, key: next };
    return this.#take('[') ? this.#bracket(identity) : identity;
  }

  #bracket(of: Filter): Filter {
    if (this.#take(']')) return { kind: 'each', of };
    if (this.#take(':')) return this.#closed({ kind: 'slice', of, from: undefined, to: this.pipe() }, ']');
    const key = this.pipe();
    if (!this.#take(':')) return this.#closed({ kind: 'field', of, key }, ']');
    const to = this.#peek() === ']' ? undefined : this.pipe();
    return this.#closed({ kind: 'slice', of, from: key, to }, ']');
  }

  #key(): Filter {
    const token = this.#next() ?? '';
    return token === '"' ? this.#string() : { kind: 'literal', value: token };
  }

  #object(): Filter {
    const entries: { key: Filter; value: Filter }[] = [];
    while (!this.#take('}')) {
      if (entries.length > 0 && !this.#take(',')) this.#fail('"," or "}" is missing');
      const name = this.#peek();
      const key = this.#take('(') ? this.#closed(this.pipe(), ')') : this.#key();
      if (!this.#take(':')) entries.push({ key, value: { kind: 'field', of: identity, key } });
      else entries.push({ key, value: this.#binary(0) });
      if (name === undefined) this.#fail('"}" is missing');
    }
    return { kind: 'object', entries };
  }

  #call(name: string): Filter {
    const args: Filter[] = [];
    if (this.#take('(')) {
      do args.push(this.pipe());
      while (this.#take(';'));
      this.#closed(identity, ')');
    }
    return { kind: 'call', name, args };
  }

  /** After the opening quote; `\(…)` is a filter whose result becomes text. */
  #string(): Filter {
    const parts: (string | Filter)[] = [];
    let text = '';
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined) this.#fail('a quote is not closed');
      if (char === '"') break;
      if (char !== '\\') {
        text += char;
        continue;
      }
      const escaped = this.#text[this.#at++] ?? '';
      if (escaped === '(') {
        parts.push(text, this.#closed(this.pipe(), ')'));
        text = '';
      } else text += { n: '\n', t: '\t' }[escaped] ?? escaped;
    }
    return parts.length === 0 ? { kind: 'literal', value: text } : { kind: 'text', parts: [...parts, text] };
  }

  #closed(filter: Filter, sign: string): Filter {
    if (!this.#take(sign)) this.#fail(`"${sign}" is missing`);
    return filter;
  }

  #peek(): string | undefined {
    const at = this.#at;
    const token = this.#next();
    this.#at = at;
    return token;
  }

  #take(wanted: string): boolean {
    const at = this.#at;
    if (this.#next() === wanted) return true;
    this.#at = at;
    return false;
  }

  #next(): string | undefined {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match === null) return undefined;
    this.#at = TOKEN.lastIndex;
    return match[1] ?? match[2] ?? match[3] ?? match[4];
  }

  #fail(why: string): never {
    throw new UsageError(`jq: error: ${why} (in the filter, at character ${this.#at})\njq: 1 compile error`, 3);
  }
}

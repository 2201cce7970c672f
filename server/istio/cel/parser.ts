import { type Token, tokenize } from './lexer.ts';
import { type CelNode, CelSyntaxError } from './syntax.ts';

const BINARY: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
];

/** Words of the grammar: no names anywhere. */
const KEYWORDS: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null']);

/** Words kept for later: no names of their own, though a field may be called so. */
const RESERVED: ReadonlySet<string> = new Set([
  ...KEYWORDS,
  ...'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
]);

/** Macros over lists and maps, with the numbers of arguments that make them one. */
const MACROS: Readonly<Record<string, readonly number[]>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  filter: [2],
  map: [2, 3],
};

const MAX_DEPTH = 250;

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  parse(): CelNode {
    const node = this.#expression();
    this.#expectEnd();
    return node;
  }

  get #token(): Token {
    return this.#tokens[this.#at] ?? { type: 'end', text: '<EOF>', offset: 0 };
  }

  #fail(): never {
    throw new CelSyntaxError(`Syntax error: unexpected '${this.#token.text}'`, this.#token.offset);
  }

  #expectEnd(): void {
    if (this.#token.type !== 'end') this.#fail();
  }

  #is(text: string): boolean {
    const { type, text: found } = this.#token;
    return found === text && (type === 'symbol' || type === 'name');
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail();
  }

  #descend(): void {
    if (++this.#depth > MAX_DEPTH) throw new CelSyntaxError('expression nests too deeply', this.#token.offset);
  }

  #expression(): CelNode {
    this.#descend();
    const test = this.#binary(0);
    let node = test;
    if (this.#take('?')) {
      const then = this.#binary(0);
      this.#expect(':');
      node = { type: 'conditional', test, then, otherwise: this.#expression() };
    }
    this.#depth--;
    return node;
  }

  #binary(level: number): CelNode {
    const operators = BINARY[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators.find((each) => this.#is(each));
      if (operator === undefined) return left;
      this.#at++;
      left = { type: 'binary', operator, left, right: this.#binary(level + 1) };
    }
  }

  /** `!` and `-` may be repeated, not mixed. */
  #unary(): CelNode {
    const operator = this.#is('!') ? '!' : this.#is('-') ? '-' : undefined;
    let count = 0;
    while (operator !== undefined && this.#take(operator)) count++;
    if (count > MAX_DEPTH) throw new CelSyntaxError('expression nests too deeply', this.#token.offset);
    let node = this.#member();
    for (; operator !== undefined && count > 0; count--) node = { type: 'unary', operator, operand: node };
    return node;
  }

  #member(): CelNode {
    let node = this.#primary();
    for (;;) {
      if (this.#take('.')) {
        const field = this.#name(KEYWORDS);
        node = this.#is('(') ? this.#call(field, node) : { type: 'select', operand: node, field };
      } else if (this.#take('[')) {
        const index = this.#expression();
        this.#expect(']');
        node = { type: 'index', operand: node, index };
      } else if (this.#is('{') && isMessageName(node)) {
        this.#at++;
        node = this.#entries();
      } else return node;
    }
  }

  #call(name: string, target?: CelNode): CelNode {
    const { offset } = this.#token;
    this.#expect('(');
    const args = this.#list(')');
    const [first] = args;
    if (!target && name === 'has' && args.length === 1 && first?.type !== 'select') {
      throw new CelSyntaxError('invalid argument to has() macro', offset);
    }
    if (target && MACROS[name]?.includes(args.length) && first?.type !== 'name') {
      throw new CelSyntaxError('argument must be a simple name', offset);
    }
    return { type: 'call', ...(target ? { target } : {}), name, args };
  }

  #name(excluded = RESERVED): string {
    const { type, text } = this.#token;
    if (type !== 'name' || excluded.has(text)) this.#fail();
    this.#at++;
    return text;
  }

  #list(end: string): CelNode[] {
    const items: CelNode[] = [];
    while (!this.#is(end)) {
      items.push(this.#expression());
      if (!this.#take(',')) break;
    }
    this.#expect(end);
    return items;
  }

  #entries(): CelNode {
    const entries: [CelNode, CelNode][] = [];
    while (!this.#is('}')) {
      const key = this.#expression();
      this.#expect(':');
      entries.push([key, this.#expression()]);
      if (!this.#take(',')) break;
    }
    this.#expect('}');
    return { type: 'map', entries };
  }

  #primary(): CelNode {
    const { type, text } = this.#token;
    if (type === 'string' || type === 'number') {
      this.#at++;
      return { type: 'literal', value: type === 'string' ? text : Number(text.replace(/u$/, '')) };
    }
    if (this.#take('(')) {
      const node = this.#expression();
      this.#expect(')');
      return node;
    }
    if (this.#take('[')) return { type: 'list', items: this.#list(']') };
    if (this.#take('{')) return this.#entries();
    if (this.#take('true')) return { type: 'literal', value: true };
    if (this.#take('false')) return { type: 'literal', value: false };
    if (this.#take('null')) return { type: 'literal', value: null };
    // `.name` means the name in the outermost scope.
    this.#take('.');
    const name = this.#name();
    return this.#is('(') ? this.#call(name) : { type: 'name', name };
  }
}

/** `pkg.Message{field: value}` starts with a name or a chain of names. */
function isMessageName(node: CelNode): boolean {
  return node.type === 'name' || (node.type === 'select' && isMessageName(node.operand));
}

/** Reads a CEL expression (Common Expression Language, cel-spec's grammar). Throws CelSyntaxError. */
export function parseCel(text: string): CelNode {
  return new Parser(text).parse();
}

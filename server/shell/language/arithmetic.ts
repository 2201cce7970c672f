import { ExpansionFailed } from './limit.ts';

/** Where an expression finds and keeps its variables. */
export interface ArithmeticVariables {
  variable(name: string): string | undefined;
  assign(name: string, text: string): void;
}

const MAX_DEPTH = 50;
const TOKEN = /\s*(\d\w*|[A-Za-z_]\w*|<<=|>>=|\*\*|\+\+|--|&&|\|\||<<|>>|[-+*/%&|^<>=!]=|[-+*/%&|^<>=!~?:(),])/y;

/** How tightly each operator binds, loosest first. Source: C's operators, as POSIX takes them over; ** as bash has it. */
const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

const ASSIGNMENTS = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);

const wrong = (text: string): ExpansionFailed => new ExpansionFailed(`arithmetic: ${text}`, 1);

const int64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/** The value of an arithmetic expression, in 64-bit integers. Throws ExpansionFailed. Source: POSIX, Shell Command Language, 2.6.4. */
export function evaluate(expression: string, variables: ArithmeticVariables): bigint {
  const tokens = tokensOf(expression);
  if (tokens.length === 0) return 0n;
  const reader = new Expression(tokens, variables);
  const value = reader.comma();
  reader.expectEnd();
  return value;
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; expression.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(expression);
    if (!found) throw wrong(`${expression.trim()}: syntax error near "${expression.slice(at).trim()}"`);
    tokens.push(found[1] ?? '');
  }
  return tokens;
}

/** Reads and computes in one walk. `#skipped`: inside the half of an `&&`, `||` or `?:` that does not count, where nothing is assigned. */
class Expression {
  #at = 0;
  #depth = 0;
  #skipped = 0;
  readonly #tokens: readonly string[];
  readonly #variables: ArithmeticVariables;
  constructor(tokens: readonly string[], variables: ArithmeticVariables) {
    this.#tokens = tokens;
    this.#variables = variables;
  }

  expectEnd(): void {
    const token = this.#tokens[this.#at];
    if (token !== undefined) throw wrong(`syntax error near "${token}"`);
  }

  comma(): bigint {
    let value = this.#assignment();
    while (this.#take(',')) value = this.#assignment();
    return value;
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }

  #assignment(): bigint {
    if (++this.#depth > MAX_DEPTH) throw wrong('nested too deep');
    const [name = '', operator = ''] = this.#tokens.slice(this.#at, this.#at + 2);
    let value: bigint;
    if (/^[A-Za-z_]/.test(name) && ASSIGNMENTS.has(operator)) {
      this.#at += 2;
      const right = this.#assignment();
      value = operator === '=' ? right : this.#binary(operator.slice(0, -1), this.#valueOf(name), right);
      this.#assign(name, value);
    } else value = this.#conditional();
    this.#depth -= 1;
    return value;
  }

  #conditional(): bigint {
    const test = this.#or();
    if (!this.#take('?')) return test;
    const yes = this.#only(test !== 0n, () => this.#assignment());
    if (!this.#take(':')) throw wrong('":" was expected');
    const no = this.#only(test === 0n, () => this.#assignment());
    return test === 0n ? no : yes;
  }

  #only(counts: boolean, read: () => bigint): bigint {
    if (!counts) this.#skipped += 1;
    const value = read();
    if (!counts) this.#skipped -= 1;
    return value;
  }

  #or(): bigint {
    let value = this.#and();
    while (this.#take('||')) {
      const left = value;
      const right = this.#only(left === 0n, () => this.#and());
      value = left !== 0n || right !== 0n ? 1n : 0n;
    }
    return value;
  }

  #and(): bigint {
    let value = this.#level(0);
    while (this.#take('&&')) {
      const left = value;
      const right = this.#only(left !== 0n, () => this.#level(0));
      value = left !== 0n && right !== 0n ? 1n : 0n;
    }
    return value;
  }

  #level(level: number): bigint {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#power();
    let value = this.#level(level + 1);
    for (;;) {
      const token = this.#tokens[this.#at] ?? '';
      if (!operators.includes(token)) return value;
      this.#at += 1;
      value = this.#binary(token, value, this.#level(level + 1));
    }
  }

  #power(): bigint {
    const base = this.#unary();
    if (!this.#take('**')) return base;
    const exponent = this.#power();
    if (exponent < 0n) throw wrong('exponent less than 0');
    if (exponent > 63n && base !== 0n && base !== 1n && base !== -1n) return this.#bigPower(base, exponent);
    return int64(base ** (exponent > 63n ? exponent % 2n : exponent));
  }

  /** By squaring, cut to 64 bits at each step. */
  #bigPower(base: bigint, exponent: bigint): bigint {
    let [result, square] = [1n, base];
    for (let left = exponent; left > 0n; left >>= 1n) {
      if (left & 1n) result = int64(result * square);
      square = int64(square * square);
    }
    return result;
  }

  #unary(): bigint {
    const token = this.#tokens[this.#at] ?? '';
    if (token === '++' || token === '--') {
      const name = this.#tokens[this.#at + 1] ?? '';
      if (!/^[A-Za-z_]/.test(name)) throw wrong(`"${token}" needs a variable`);
      this.#at += 2;
      return this.#assign(name, this.#valueOf(name) + (token === '++' ? 1n : -1n));
    }
    if (!'!~-+'.includes(token) || token === '') return this.#primary();
    this.#at += 1;
    if (++this.#depth > MAX_DEPTH) throw wrong('nested too deep');
    const value = this.#unary();
    this.#depth -= 1;
    if (token === '!') return value === 0n ? 1n : 0n;
    return token === '-' ? int64(-value) : token === '~' ? ~value : value;
  }

  #primary(): bigint {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw wrong('a value was expected at the end');
    this.#at += 1;
    if (token === '(') {
      const value = this.comma();
      if (!this.#take(')')) throw wrong('")" was expected');
      return value;
    }
    if (/^\d/.test(token)) return number(token);
    if (!/^[A-Za-z_]/.test(token)) throw wrong(`a value was expected before "${token}"`);
    const value = this.#valueOf(token);
    if (this.#take('++')) this.#assign(token, value + 1n);
    else if (this.#take('--')) this.#assign(token, value - 1n);
    return value;
  }

  #valueOf(name: string): bigint {
    const text = this.#variables.variable(name)?.trim() ?? '';
    if (text === '') return 0n;
    const [, sign = '', digits] = /^([-+]?)(\d\w*)$/.exec(text) ?? [];
    if (digits === undefined) throw wrong(`${name} is "${text}", which is no whole number`);
    return sign === '-' ? -number(digits) : number(digits);
  }

  #assign(name: string, value: bigint): bigint {
    const kept = int64(value);
    if (this.#skipped === 0) this.#variables.assign(name, String(kept));
    return kept;
  }

  #binary(operator: string, left: bigint, right: bigint): bigint {
    if ((operator === '/' || operator === '%') && right === 0n) {
      if (this.#skipped > 0) return 0n;
      throw wrong('division by zero');
    }
    return int64(OPERATORS[operator]!(left, right));
  }
}

const flag = (holds: boolean): bigint => (holds ? 1n : 0n);

const OPERATORS: Readonly<Record<string, (left: bigint, right: bigint) => bigint>> = {
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '&': (a, b) => a & b,
  '==': (a, b) => flag(a === b),
  '!=': (a, b) => flag(a !== b),
  '<': (a, b) => flag(a < b),
  '<=': (a, b) => flag(a <= b),
  '>': (a, b) => flag(a > b),
  '>=': (a, b) => flag(a >= b),
  '<<': (a, b) => a << (b & 63n),
  '>>': (a, b) => a >> (b & 63n),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

/** `12`, `0x1f`, and `017` in octal, as C reads them. */
function number(digits: string): bigint {
  if (/^0x[\da-f]+$/i.test(digits)) return int64(BigInt(digits));
  if (/^0[0-7]+$/.test(digits)) return int64(BigInt(`0o${digits.slice(1)}`));
  if (!/^(?:0|[1-9]\d*)$/.test(digits)) throw wrong(`${digits} is no number`);
  return int64(BigInt(digits));
}

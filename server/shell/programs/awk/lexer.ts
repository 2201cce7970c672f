import { UsageError } from '../../command.ts';

export type AwkToken =
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'string' | 'pattern'; readonly text: string }
  /** `called`: an opening parenthesis follows at once, as in a call. */
  | { readonly type: 'name'; readonly text: string; readonly called: boolean }
  | { readonly type: 'word' | 'sign'; readonly text: string }
  | { readonly type: 'newline' }
  | { readonly type: 'end' };

const KEYWORDS = new Set([
  ...[
    'BEGIN',
    'END',
    'if',
    'else',
    'while',
    'for',
    'do',
    'break',
    'continue',
    'next',
    'nextfile',
    'exit',
    'delete',
    'in',
  ],
  ...['print', 'printf', 'getline', 'function', 'func', 'return'],
]);
const SIGN = /\*\*=|\+\+|--|\+=|-=|\*\*|\*=|\/=|%=|\^=|==|<=|>=|!=|!~|>>|&&|\|\||[-+*/%^!><|?:~$=,;(){}[\]]/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' };

/** Hands out the tokens of an awk program one by one; whether a slash begins a pattern is the parser's to say. */
export class AwkLexer {
  #at = 0;
  #start = 0;
  #token: AwkToken;
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
    this.#token = this.#read();
  }

  get token(): AwkToken {
    return this.#token;
  }

  /** Goes on to the next token and returns the one before. */
  take(): AwkToken {
    const token = this.#token;
    this.#token = this.#read();
    return token;
  }

  /** The token behind the next one, for the few places where one is not enough. */
  ahead(count: number): AwkToken {
    const [at, start, token] = [this.#at, this.#start, this.#token];
    for (let i = 0; i < count; i++) this.take();
    const found = this.#token;
    [this.#at, this.#start, this.#token] = [at, start, token];
    return found;
  }

  /** Reads the slash that stands here as the beginning of a pattern; returns its source. */
  takePattern(): string {
    let at = this.#start + 1;
    let source = '';
    for (let inList = false; ; at++) {
      const char = this.#text[at];
      if (char === undefined || char === '\n') throw this.wrong('the pattern is not closed');
      if (char === '\\') {
        at += 1;
        source += this.#text[at] === '/' ? '/' : `\\${this.#text[at] ?? ''}`;
        continue;
      }
      if (char === '/' && !inList) break;
      // A closing bracket that stands first in a list belongs to it.
      if (char === '[' && !inList) {
        inList = true;
        const lead = /^\[\^?\]?/.exec(this.#text.slice(at, at + 3))?.[0] ?? '[';
        source += lead;
        at += lead.length - 1;
        continue;
      }
      if (char === ']') inList = false;
      source += char;
    }
    this.#at = at + 1;
    this.#token = this.#read();
    return source;
  }

  wrong(text: string): UsageError {
    const line = this.#text.slice(0, this.#start).split('\n').length;
    return new UsageError(`awk: line ${line}: ${text}`, 2);
  }

  #match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #read(): AwkToken {
    this.#match(/(?:[ \t\r]|\\\r?\n|#[^\n]*)+/y);
    this.#start = this.#at;
    const char = this.#text[this.#at];
    if (char === undefined) return { type: 'end' };
    if (char === '\n') {
      this.#at += 1;
      return { type: 'newline' };
    }
    const number = this.#match(/0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y);
    if (number !== undefined) return { type: 'number', value: Number(number) };
    const name = this.#match(/[A-Za-z_]\w*/y);
    if (name !== undefined) {
      if (KEYWORDS.has(name)) return { type: 'word', text: name };
      return { type: 'name', text: name, called: this.#text[this.#at] === '(' };
    }
    if (char === '"') return { type: 'string', text: this.#string() };
    const sign = this.#match(SIGN);
    if (sign === undefined) throw this.wrong(`syntax error at or near ${char}`);
    return { type: 'sign', text: sign };
  }

  #string(): string {
    let text = '';
    for (this.#at += 1; ; ) {
      const char = this.#text[this.#at++];
      if (char === undefined || char === '\n') throw this.wrong('the string is not closed');
      if (char === '"') return text;
      if (char !== '\\') {
        text += char;
        continue;
      }
      const octal = this.#match(/[0-7]{1,3}/y);
      const next = octal === undefined ? (this.#text[this.#at++] ?? '') : '';
      if (octal !== undefined) text += String.fromCharCode(Number.parseInt(octal, 8));
      else if (next !== '\n') text += ESCAPES[next] ?? ('"\\/'.includes(next) ? next : `\\${next}`);
    }
  }
}

import { CelSyntaxError } from './syntax.ts';

export interface Token {
  readonly type: 'number' | 'string' | 'name' | 'symbol' | 'end';
  /** The symbol or name; a string's value; a number's digits. */
  readonly text: string;
  readonly offset: number;
}

const BLANK = /(?:\s|\/\/[^\n]*)+/y;
const NUMBER = /0x[0-9a-fA-F]+u?|(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+)u?/y;
const NAME = /[A-Za-z_]\w*/y;
const SYMBOL = /&&|\|\||[<>=!]=|[-+*/%<>!?:.,()[\]{}]/y;
const STRING = /([bB]?[rR]?|[rR][bB])("""|'''|"|')/y;

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** One escape sequence behind a backslash: its value and its length. */
function readEscape(text: string, at: number): { readonly value: string; readonly length: number } {
  const code = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/.exec(
    text.slice(at, at + 9),
  );
  const hex = code?.[1] ?? code?.[2] ?? code?.[3];
  if (code && hex !== undefined) {
    return { value: String.fromCodePoint(Number.parseInt(hex, 16)), length: code[0].length };
  }
  if (code) return { value: String.fromCodePoint(Number.parseInt(code[0], 8)), length: 3 };
  const char = text[at] ?? '';
  if (char in ESCAPES) return { value: ESCAPES[char] ?? '', length: 1 };
  if ('\\\'"`?'.includes(char) && char !== '') return { value: char, length: 1 };
  throw new CelSyntaxError(`token recognition error at: '\\${char}'`, at);
}

/** A string literal that starts here: its value and where it ends. */
function readString(text: string, start: RegExpExecArray): { readonly value: string; readonly end: number } {
  const raw = /r/i.test(start[1] ?? '');
  const quote = start[2] ?? '';
  let at = start.index + start[0].length;
  let value = '';
  while (at < text.length) {
    if (text.startsWith(quote, at)) return { value, end: at + quote.length };
    const char = text[at] ?? '';
    if (char === '\n' && quote.length === 1) break;
    if (char === '\\' && !raw) {
      const escape = readEscape(text, at + 1);
      value += escape.value;
      at += 1 + escape.length;
    } else {
      value += char;
      at++;
    }
  }
  throw new CelSyntaxError(`token recognition error at: '${text.slice(start.index, start.index + 20)}'`, start.index);
}

/** The tokens of a CEL expression, ending with one of type `end`. Throws CelSyntaxError. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += match(BLANK, text, at)?.[0].length ?? 0;
    if (at >= text.length) break;
    const quoted = match(STRING, text, at);
    if (quoted) {
      const { value, end } = readString(text, quoted);
      tokens.push({ type: 'string', text: value, offset: at });
      at = end;
      continue;
    }
    const number = match(NUMBER, text, at);
    const name = number ? null : match(NAME, text, at);
    const found = number ?? name ?? match(SYMBOL, text, at);
    if (!found) throw new CelSyntaxError(`token recognition error at: '${text[at]}'`, at);
    tokens.push({ type: number ? 'number' : name ? 'name' : 'symbol', text: found[0], offset: at });
    at += found[0].length;
  }
  tokens.push({ type: 'end', text: '<EOF>', offset: text.length });
  return tokens;
}

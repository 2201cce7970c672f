/** A part of a query and where it begins. */
export interface Token {
  readonly type: 'word' | 'number' | 'duration' | 'string' | 'sign' | 'end';
  readonly text: string;
  /** Of strings: what they stand for. */
  readonly value: string;
  readonly at: number;
}

/** The query is none; `at` counts its characters from 0. */
export class QueryError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const SPACE = /(?:\s+|#[^\n]*)*/y;
const DURATION = /(?:\d+(?:ms|[smhdwy]))+/y;
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const WORD = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const SIGN = /=~|!~|!=|==|<=|>=|[-+*/%^=<>(){}[\],:@]/y;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y;

const UNCLOSED: Readonly<Record<string, string>> = {
  '(': 'unclosed left parenthesis',
  '[': 'unclosed left bracket',
  '{': 'unexpected end of input inside braces',
};

/** Splits a query of PromQL; the last token is the end. */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  const open: string[] = [];
  let at = 0;
  const read = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(query)?.[0];
  };
  for (;;) {
    at += read(SPACE)?.length ?? 0;
    if (at >= query.length) break;
    const token = next(read, at, open.at(-1) === '[');
    if (token === undefined) throw unexpected(query, at);
    tokens.push(token);
    at += token.text.length;
    if (token.type !== 'sign') continue;
    if ('([{'.includes(token.text)) open.push(token.text);
    else if (')]}'.includes(token.text)) open.pop();
  }
  const unclosed = UNCLOSED[open.at(-1) ?? ''];
  if (unclosed !== undefined) throw new QueryError(unclosed, at);
  return [...tokens, { type: 'end', text: '', value: '', at }];
}

/** A colon begins the name of a metric, but not in a range, where it stands before the step. */
function next(read: (pattern: RegExp) => string | undefined, at: number, inRange: boolean): Token | undefined {
  const kinds = [
    ['duration', DURATION],
    ['number', NUMBER],
    ['word', inRange ? LABEL : WORD],
    ['string', STRING],
    ['sign', SIGN],
  ] as const;
  for (const [type, pattern] of kinds) {
    const text = read(pattern);
    if (text !== undefined) return { type, text, value: type === 'string' ? unquoted(text, at) : text, at };
  }
  return undefined;
}

function unexpected(query: string, at: number): QueryError {
  const char = query[at] ?? '';
  if (/["'`]/.test(char)) return new QueryError('unterminated quoted string', at);
  return new QueryError(`unexpected character: '${char}'`, at);
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function unquoted(text: string, at: number): string {
  const inner = text.slice(1, -1);
  if (text.startsWith('`')) return inner;
  return inner.replaceAll(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/g, (_, code: string) => {
    if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const char = ESCAPES[code];
    if (char === undefined) throw new QueryError('unknown escape sequence in string', at);
    return char;
  });
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** `1h30m` in milliseconds; undefined when it is no duration of Prometheus. */
export function durationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) return text === '0' ? 0 : undefined;
  let total = 0;
  for (const [, count = '0', unit = 's'] of text.matchAll(/(\d+)(ms|[smhdwy])/g))
    total += Number(count) * (UNIT_MS[unit] ?? 0);
  return total;
}

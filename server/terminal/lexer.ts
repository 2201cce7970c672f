import { MeshworkError } from '#domain';

/** A piece of a word: literal text (quoted or not), a variable, or a command substitution. */
export type WordPart =
  | { readonly type: 'text'; readonly text: string; readonly quoted: boolean }
  | { readonly type: 'variable'; readonly name: string; readonly quoted: boolean }
  | { readonly type: 'substitution'; readonly script: string; readonly quoted: boolean };

export type Token =
  | { readonly type: 'word'; readonly parts: readonly WordPart[] }
  | { readonly type: 'operator'; readonly text: '|' | '&&' | '||' | ';' | '>' | '>>' | '<' }
  | { readonly type: 'heredoc'; readonly text: string };

/** The line cannot be read. `incomplete`: more input may repair it (an open quote, a here-document without its end). */
export class ShellSyntaxError extends MeshworkError {
  readonly incomplete: boolean;
  constructor(message: string, incomplete = false) {
    super('shell_syntax', message);
    this.incomplete = incomplete;
  }
}

const MAX_TOKENS = 2000;
const OPERATORS = ['&&', '||', '>>', '|', ';', '>', '<'] as const;

/** Splits shell text into tokens. A subset of POSIX: no globs, no functions, no arithmetic; what is left out is refused, not guessed. */
export function tokenize(text: string): Token[] {
  const reader = new Reader(text);
  const tokens: Token[] = [];
  const heredocs: { at: number; end: string }[] = [];
  for (;;) {
    reader.skipBlanks();
    if (reader.done) break;
    if (tokens.length > MAX_TOKENS) throw new ShellSyntaxError('The command is too long.');
    const char = reader.peek();
    if (char === '\n') {
      reader.take();
      for (const { at, end } of heredocs.splice(0)) tokens[at] = { type: 'heredoc', text: reader.takeHeredoc(end) };
      tokens.push({ type: 'operator', text: ';' });
    } else if (char === '#') {
      reader.skipLine();
    } else if (reader.startsWith('<<')) {
      reader.take(reader.startsWith('<<-') ? 3 : 2);
      reader.skipBlanks();
      heredocs.push({ at: tokens.length, end: reader.takeHeredocEnd() });
      tokens.push({ type: 'heredoc', text: '' });
    } else {
      tokens.push(nextToken(reader));
    }
  }
  if (heredocs.length > 0)
    throw new ShellSyntaxError(`The here-document needs a line with only ${heredocs[0]?.end}.`, true);
  return tokens;
}

function nextToken(reader: Reader): Token {
  // `2>` to /dev/null or `2>&1` are so common in pasted commands that they are read and dropped: both streams show anyway.
  if (reader.match(/2>\s*(?:&1|\/dev\/null)/y)) return { type: 'word', parts: [] };
  const operator = OPERATORS.find((candidate) => reader.startsWith(candidate));
  if (operator) {
    reader.take(operator.length);
    return { type: 'operator', text: operator };
  }
  if (reader.peek() === '&')
    throw new ShellSyntaxError('Background jobs (&) are not part of this terminal; open a second tab instead.');
  if (reader.peek() === '(' || reader.peek() === ')')
    throw new ShellSyntaxError('Sub-shells are not part of this terminal.');
  return { type: 'word', parts: readWord(reader) };
}

const UNQUOTED_END = new Set([' ', '\t', '\n', '|', ';', '&', '<', '>', '(', ')']);

function readWord(reader: Reader): WordPart[] {
  const parts: WordPart[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') parts.push({ type: 'text', text: plain, quoted: false });
    plain = '';
  };
  while (!reader.done && !UNQUOTED_END.has(reader.peek())) {
    const char = reader.take();
    if (char === '\\') {
      const next = reader.done ? '' : reader.take();
      if (next !== '\n') plain += next;
    } else if (char === "'") {
      flush();
      parts.push({ type: 'text', text: reader.takeUntil("'"), quoted: true });
    } else if (char === '"') {
      flush();
      parts.push(...readDoubleQuoted(reader));
    } else if (char === '`') {
      throw new ShellSyntaxError('Back quotes are not part of this terminal; write $(command).');
    } else if (char === '$') {
      flush();
      parts.push(readDollar(reader, false));
    } else {
      plain += char;
    }
  }
  flush();
  return parts;
}

function readDoubleQuoted(reader: Reader): WordPart[] {
  const parts: WordPart[] = [];
  let text = '';
  for (;;) {
    if (reader.done) throw new ShellSyntaxError('A double quote is not closed.', true);
    const char = reader.take();
    if (char === '"') break;
    if (char === '\\' && '"\\$`\n'.includes(reader.peek())) {
      const next = reader.take();
      if (next !== '\n') text += next;
    } else if (char === '$') {
      if (text !== '') parts.push({ type: 'text', text, quoted: true });
      text = '';
      parts.push(readDollar(reader, true));
    } else {
      text += char;
    }
  }
  if (text !== '' || parts.length === 0) parts.push({ type: 'text', text, quoted: true });
  return parts;
}

function readDollar(reader: Reader, quoted: boolean): WordPart {
  if (reader.peek() === '(') {
    reader.take();
    return { type: 'substitution', script: reader.takeBalanced(), quoted };
  }
  const braced = reader.match(/\{([A-Za-z_?][A-Za-z0-9_]*)\}/y);
  const name = braced?.[1] ?? reader.match(/[A-Za-z_][A-Za-z0-9_]*|\?/y)?.[0];
  return name === undefined ? { type: 'text', text: '$', quoted } : { type: 'variable', name, quoted };
}

/** A cursor over the text. */
class Reader {
  #at = 0;
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  get done(): boolean {
    return this.#at >= this.#text.length;
  }
  peek(): string {
    return this.#text[this.#at] ?? '';
  }
  take(count = 1): string {
    const piece = this.#text.slice(this.#at, this.#at + count);
    this.#at += count;
    return piece;
  }
  startsWith(word: string): boolean {
    return this.#text.startsWith(word, this.#at);
  }
  match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text);
    if (found) this.#at += found[0].length;
    return found;
  }
  skipBlanks(): void {
    while (this.match(/[ \t\r]+|\\\r?\n/y));
  }
  skipLine(): void {
    this.match(/[^\n]*/y);
  }
  takeUntil(end: string): string {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) throw new ShellSyntaxError('A quote is not closed.', true);
    const piece = this.#text.slice(this.#at, at);
    this.#at = at + end.length;
    return piece;
  }
  takeHeredocEnd(): string {
    const word = this.match(/'([^'\n]+)'|"([^"\n]+)"|([A-Za-z0-9_]+)/y);
    const end = word?.[1] ?? word?.[2] ?? word?.[3];
    if (end === undefined) throw new ShellSyntaxError('After << comes the word that ends the text, for example EOF.');
    return end;
  }
  takeHeredoc(end: string): string {
    let text = '';
    for (;;) {
      if (this.done) throw new ShellSyntaxError(`The here-document needs a line with only ${end}.`, true);
      const line = this.match(/[^\n]*/y)?.[0] ?? '';
      this.take();
      if (line.trim() === end) return text;
      text += `${line}\n`;
    }
  }
  takeBalanced(): string {
    let depth = 1;
    const from = this.#at;
    while (!this.done) {
      const char = this.take();
      if (char === '(') depth += 1;
      if (char === ')') depth -= 1;
      if (depth === 0) return this.#text.slice(from, this.#at - 1);
    }
    throw new ShellSyntaxError('$( is not closed.', true);
  }
}

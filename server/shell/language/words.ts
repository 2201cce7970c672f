import { Reader } from './reader.ts';
import { ShellSyntaxError } from './syntax-error.ts';

/** What braces do to a variable: `${name:-word}`, `${#name}`, `${name##pattern}`, `${name/pattern/word}`, `${name:1:2}`. */
export type Change =
  | { readonly operator: DefaultOperator; readonly word: Word }
  | { readonly operator: '#' | '##' | '%' | '%%'; readonly word: Word }
  | { readonly operator: '/' | '//'; readonly word: Word; readonly by: Word }
  | { readonly operator: 'length' }
  | { readonly operator: 'slice'; readonly from: Word; readonly length: Word | undefined };

export type DefaultOperator = ':-' | '-' | ':=' | '=' | ':?' | '?' | ':+' | '+';

/** A piece of a word: literal text (quoted or not), a variable, a command substitution, or arithmetic. */
export type WordPart =
  | { readonly type: 'text'; readonly text: string; readonly quoted: boolean }
  | { readonly type: 'variable'; readonly name: string; readonly quoted: boolean; readonly change?: Change }
  | { readonly type: 'substitution'; readonly script: string; readonly quoted: boolean }
  | { readonly type: 'arithmetic'; readonly expression: Word; readonly quoted: boolean };

export type Word = readonly WordPart[];

const UNQUOTED_END: ReadonlySet<string> = new Set([' ', '\t', '\r', '\n', '|', ';', '&', '<', '>', '(', ')']);
const NAME = /[A-Za-z_][A-Za-z0-9_]*|[0-9#?@*]/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', e: '\u001b' };

/** Reads one word, up to a blank or an operator; with `ends`, up to one of those. */
export function readWord(reader: Reader, ends = UNQUOTED_END): Word {
  const parts: WordPart[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') parts.push({ type: 'text', text: plain, quoted: false });
    plain = '';
  };
  while (!reader.done && !ends.has(reader.peek())) {
    const char = reader.take();
    if (char === '\\') {
      if (reader.done) throw new ShellSyntaxError('The line ends in a backslash, so the next one belongs to it.', true);
      const next = reader.take();
      if (next === '\n') continue;
      flush();
      parts.push({ type: 'text', text: next, quoted: true });
    } else if (char === "'") {
      flush();
      parts.push({ type: 'text', text: reader.takeUntil("'"), quoted: true });
    } else if (char === '"') {
      flush();
      parts.push(...readQuoted(reader, '"'));
    } else if (char === '`') {
      flush();
      parts.push({ type: 'substitution', script: reader.takeBackQuoted(), quoted: false });
    } else if (char === '$' && reader.peek() === "'") {
      flush();
      reader.take();
      parts.push({ type: 'text', text: readEscaped(reader), quoted: true });
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

/** Text of a here-document: variables and substitutions are expanded as inside double quotes. */
export function readHeredocText(text: string): Word {
  return readQuoted(new Reader(text), '');
}

/** Text in which $ and \ keep their meaning, up to `end`; with an empty `end`, all of it. */
function readQuoted(reader: Reader, end: '"' | '}' | ''): WordPart[] {
  const escapable = `${end}\\$\`\n`;
  const parts: WordPart[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') parts.push({ type: 'text', text, quoted: true });
    text = '';
  };
  for (;;) {
    if (reader.done) {
      if (end === '') break;
      throw new ShellSyntaxError(end === '"' ? 'A double quote is not closed.' : 'A brace is not closed.', true);
    }
    const char = reader.take();
    if (char === end) break;
    if (char === '\\' && !reader.done && escapable.includes(reader.peek())) {
      const next = reader.take();
      if (next !== '\n') text += next;
    } else if (char === '"' && end === '}') {
      flush();
      parts.push(...readQuoted(reader, '"'));
    } else if (char === '$') {
      flush();
      parts.push(readDollar(reader, true));
    } else if (char === '`') {
      flush();
      parts.push({ type: 'substitution', script: reader.takeBackQuoted(), quoted: true });
    } else {
      text += char;
    }
  }
  flush();
  if (parts.length === 0) parts.push({ type: 'text', text: '', quoted: true });
  return parts;
}

/** `$'a\n'`, as bash reads it. */
function readEscaped(reader: Reader): string {
  let text = '';
  for (;;) {
    if (reader.done) throw new ShellSyntaxError('A quote is not closed.', true);
    const char = reader.take();
    if (char === "'") return text;
    if (char !== '\\') text += char;
    else {
      const next = reader.take();
      text += ESCAPES[next] ?? (`'"\\`.includes(next) ? next : `\\${next}`);
    }
  }
}

function readDollar(reader: Reader, quoted: boolean): WordPart {
  if (reader.peek() === '(') {
    reader.take();
    const script = reader.takeSubstitution();
    const expression = enclosed(script);
    if (expression === undefined) return { type: 'substitution', script, quoted };
    return { type: 'arithmetic', expression: readHeredocText(expression), quoted };
  }
  if (reader.peek() === '{') return readBraces(reader, quoted);
  const name = reader.match(NAME)?.[0];
  return name === undefined ? { type: 'text', text: '$', quoted } : { type: 'variable', name, quoted };
}

/** What stands in parentheses that go around the whole text: `(1+2)` → `1+2`. */
function enclosed(text: string): string | undefined {
  if (!text.startsWith('(') || !text.endsWith(')')) return undefined;
  let depth = 0;
  for (let at = 0; at < text.length - 1; at++) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    if (depth === 0) return undefined;
  }
  return text.slice(1, -1);
}

function readBraces(reader: Reader, quoted: boolean): WordPart {
  reader.take();
  const length = reader.match(/#([A-Za-z_][A-Za-z0-9_]*|[1-9])\}/y);
  if (length) return { type: 'variable', name: length[1] ?? '', quoted, change: { operator: 'length' } };
  const name = reader.match(NAME)?.[0];
  if (name === undefined)
    throw new ShellSyntaxError('A braced variable needs a name and a closing brace.', reader.done);
  if (reader.peek() === '}') {
    reader.take();
    return { type: 'variable', name, quoted };
  }
  return { type: 'variable', name, quoted, change: readChange(reader, quoted) };
}

function readChange(reader: Reader, quoted: boolean): Change {
  const defaulted = reader.match(/:?[-=?+]/y)?.[0] as DefaultOperator | undefined;
  if (defaulted !== undefined)
    return { operator: defaulted, word: quoted ? readQuoted(reader, '}') : upTo(reader, '}') };
  const trim = reader.match(/##?|%%?/y)?.[0] as '#' | '##' | '%' | '%%' | undefined;
  if (trim !== undefined) return { operator: trim, word: upTo(reader, '}') };
  const replace = reader.match(/\/\/?/y)?.[0] as '/' | '//' | undefined;
  if (replace !== undefined) {
    const word = readWord(reader, new Set(['/', '}']));
    if (reader.peek() !== '/') return { operator: replace, word, by: closed(reader, []) };
    reader.take();
    return { operator: replace, word, by: upTo(reader, '}') };
  }
  if (reader.peek() !== ':')
    throw new ShellSyntaxError('A braced variable needs a name and a closing brace.', reader.done);
  reader.take();
  const from = readWord(reader, new Set([':', '}']));
  if (reader.peek() !== ':') return { operator: 'slice', from, length: closed(reader, undefined) };
  reader.take();
  return { operator: 'slice', from, length: upTo(reader, '}') };
}

const upTo = (reader: Reader, end: '}'): Word => closed(reader, readWord(reader, new Set([end])));

function closed<T>(reader: Reader, value: T): T {
  if (reader.done) throw new ShellSyntaxError('A brace is not closed.', true);
  reader.take();
  return value;
}

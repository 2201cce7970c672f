import { Reader } from './reader.ts';
import { ShellSyntaxError } from './syntax-error.ts';

/** A piece of a word: literal text (quoted or not), a variable, or a command substitution. */
export type WordPart =
  | { readonly type: 'text'; readonly text: string; readonly quoted: boolean }
  | { readonly type: 'variable'; readonly name: string; readonly quoted: boolean }
  | { readonly type: 'substitution'; readonly script: string; readonly quoted: boolean };

export type Word = readonly WordPart[];

const UNQUOTED_END = new Set([' ', '\t', '\r', '\n', '|', ';', '&', '<', '>', '(', ')']);

/** Reads one word, up to a blank or an operator. */
export function readWord(reader: Reader): Word {
  const parts: WordPart[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') parts.push({ type: 'text', text: plain, quoted: false });
    plain = '';
  };
  while (!reader.done && !UNQUOTED_END.has(reader.peek())) {
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

/** Text of a here-document: variables and substitutions are expanded as inside double quotes. */
export function readHeredocText(text: string): Word {
  return readQuoted(new Reader(text), '');
}

/** Text in which $ and \ keep their meaning, up to `end`; with an empty `end`, all of it. */
function readQuoted(reader: Reader, end: '"' | ''): WordPart[] {
  const escapable = `${end}\\$\`\n`;
  const parts: WordPart[] = [];
  let text = '';
  for (;;) {
    if (reader.done) {
      if (end === '') break;
      throw new ShellSyntaxError('A double quote is not closed.', true);
    }
    const char = reader.take();
    if (char === end) break;
    if (char === '\\' && !reader.done && escapable.includes(reader.peek())) {
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
  if (reader.startsWith('((')) throw new ShellSyntaxError('Arithmetic, $((…)), is not part of this terminal.');
  if (reader.peek() === '(') {
    reader.take();
    return { type: 'substitution', script: reader.takeSubstitution(), quoted };
  }
  if (reader.peek() === '{') {
    const braced = reader.match(/\{([A-Za-z_][A-Za-z0-9_]*|[1-9]|\?)\}/y);
    if (!braced) throw new ShellSyntaxError('A braced variable needs a name and a closing brace.');
    return { type: 'variable', name: braced[1] ?? '', quoted };
  }
  const name = reader.match(/[A-Za-z_][A-Za-z0-9_]*|[1-9]|\?/y)?.[0];
  return name === undefined ? { type: 'text', text: '$', quoted } : { type: 'variable', name, quoted };
}

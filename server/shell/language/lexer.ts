import { Reader } from './reader.ts';
import { ShellSyntaxError } from './syntax-error.ts';
import { readHeredocText, readWord, type Word } from './words.ts';

export type Operator = '|' | '&&' | '||' | ';;' | ';' | '(' | ')' | '\n';

/** `2>file`, `>>file`, `2>&1`, `<file`. The word that follows names the file, except after `&`. */
export interface RedirectToken {
  readonly type: 'redirect';
  /** What is redirected: standard input, output, errors, or both of the last two (`&>`). */
  readonly from: 'input' | 'output' | 'errors' | 'both';
  readonly to: 'file' | 'append' | 'output' | 'errors';
}

export type Token =
  | { readonly type: 'word'; readonly parts: Word }
  | { readonly type: 'operator'; readonly text: Operator }
  | { readonly type: 'heredoc'; readonly parts: Word }
  /** `((…))`, where a command may begin. */
  | { readonly type: 'arithmetic'; readonly text: string }
  | RedirectToken;

const MAX_TOKENS = 2000;
const OPERATORS = ['&&', '||', '|', ';;', ';', '(', ')'] as const;
/** Words behind which a command, and so `((…))`, may begin; `for` has its own. */
const BEFORE_COMMAND = new Set(['for', 'if', 'elif', 'while', 'until', 'do', 'then', 'else', '!', '{', 'time']);

/**
 * Splits shell text into tokens. A subset of POSIX, with what of bash is common: no functions, no jobs; what is left out is refused, not guessed.
 * Throws ShellSyntaxError.
 */
export function tokenize(text: string): Token[] {
  const reader = new Reader(text);
  const tokens: Token[] = [];
  const pending: { at: number; end: string; literal: boolean; stripTabs: boolean }[] = [];
  for (;;) {
    reader.skipBlanks();
    if (reader.done) break;
    if (tokens.length > MAX_TOKENS) throw new ShellSyntaxError('The command is too long.');
    if (reader.peek() === '\n') {
      reader.take();
      for (const { at, end, literal, stripTabs } of pending.splice(0)) {
        const body = reader.takeHeredoc(end, stripTabs);
        tokens[at] = {
          type: 'heredoc',
          parts: literal ? [{ type: 'text', text: body, quoted: true }] : readHeredocText(body),
        };
      }
      tokens.push({ type: 'operator', text: '\n' });
    } else if (reader.peek() === '#') {
      reader.match(/[^\n]*/y);
    } else if (reader.startsWith('<<') && !reader.startsWith('<<<')) {
      const stripTabs = reader.startsWith('<<-');
      reader.take(stripTabs ? 3 : 2);
      reader.skipBlanks();
      pending.push({ at: tokens.length, stripTabs, ...heredocEnd(reader) });
      tokens.push({ type: 'heredoc', parts: [] });
    } else if (reader.startsWith('<<<')) {
      reader.take(3);
      reader.skipBlanks();
      tokens.push({ type: 'heredoc', parts: [...readWord(reader), { type: 'text', text: '\n', quoted: true }] });
    } else {
      const expression = reader.startsWith('((') && mayBegin(tokens.at(-1)) ? reader.takeArithmetic() : undefined;
      tokens.push(expression === undefined ? nextToken(reader) : { type: 'arithmetic', text: expression });
    }
  }
  const open = pending[0];
  if (open) throw new ShellSyntaxError(`The here-document needs a line with only ${open.end}.`, true);
  return tokens;
}

/** Whether a command may begin behind this token. */
function mayBegin(before: Token | undefined): boolean {
  if (before === undefined || before.type === 'operator') return true;
  if (before.type !== 'word' || before.parts.length !== 1) return false;
  const [part] = before.parts;
  return part?.type === 'text' && !part.quoted && BEFORE_COMMAND.has(part.text);
}

function nextToken(reader: Reader): Token {
  const redirect = readRedirect(reader);
  if (redirect) return redirect;
  const operator = OPERATORS.find((candidate) => reader.startsWith(candidate));
  if (operator) {
    reader.take(operator.length);
    return { type: 'operator', text: operator };
  }
  if (reader.peek() === '&')
    throw new ShellSyntaxError('Background jobs (&) are not part of this terminal; open a second tab instead.');
  return { type: 'word', parts: readWord(reader) };
}

const STREAMS = { '': 'output', '1': 'output', '2': 'errors', '&': 'both' } as const;

function readRedirect(reader: Reader): RedirectToken | undefined {
  if (reader.match(/[<>]\(/y))
    throw new ShellSyntaxError('<(…) and >(…) are not part of this terminal; write to a file first: command > a.txt');
  if (reader.match(/0?</y)) return { type: 'redirect', from: 'input', to: 'file' };
  const found = reader.match(/([12&]?)>(?:(>)|&([12]))?/y);
  if (!found) return undefined;
  const to = found[2] ? 'append' : found[3] === '1' ? 'output' : found[3] === '2' ? 'errors' : 'file';
  return { type: 'redirect', from: STREAMS[(found[1] ?? '') as keyof typeof STREAMS], to };
}

/** The word after `<<`; quoted, the text is taken as it is. */
function heredocEnd(reader: Reader): { end: string; literal: boolean } {
  const word = reader.match(/'([^'\n]+)'|"([^"\n]+)"|\\?([A-Za-z0-9_.-]+)/y);
  const end = word?.[1] ?? word?.[2] ?? word?.[3];
  if (end === undefined) throw new ShellSyntaxError('After << comes the word that ends the text, for example EOF.');
  return { end, literal: word?.[3] === undefined || word[0].startsWith('\\') };
}

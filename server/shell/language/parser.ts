import { type Operator, type RedirectToken, type Token, tokenize } from './lexer.ts';
import { ShellSyntaxError } from './syntax-error.ts';
import type { Word, WordPart } from './words.ts';

/** Where a stream comes from or goes to; a heredoc is the text itself. */
export type Redirect =
  | { readonly from: RedirectToken['from']; readonly to: RedirectToken['to']; readonly file: Word | undefined }
  | { readonly heredoc: Word };

export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

export interface SimpleCommand {
  readonly type: 'simple';
  /** `A=b` before the first word. */
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  /** In the order written, which matters: `>file 2>&1`. */
  readonly redirects: readonly Redirect[];
}

export interface ForLoop {
  readonly type: 'for';
  readonly variable: string;
  readonly values: readonly Word[];
  readonly body: Script;
  /** Of the whole loop: `done > file`. */
  readonly redirects: readonly Redirect[];
}

export interface WhileLoop {
  readonly type: 'while';
  /** `until`: it turns as long as the condition fails. */
  readonly until: boolean;
  readonly condition: Script;
  readonly body: Script;
  readonly redirects: readonly Redirect[];
}

export interface Condition {
  readonly type: 'if';
  /** In order: the first whose test succeeds runs. */
  readonly branches: readonly { readonly test: Script; readonly body: Script }[];
  readonly otherwise: Script | undefined;
  readonly redirects: readonly Redirect[];
}

/** `( … )`: runs with a copy of the variables. */
export interface SubShell {
  readonly type: 'subshell';
  readonly body: Script;
  readonly redirects: readonly Redirect[];
}

/** `{ …; }`: commands that share redirections. */
export interface Group {
  readonly type: 'group';
  readonly body: Script;
  readonly redirects: readonly Redirect[];
}

export type Stage = SimpleCommand | ForLoop | WhileLoop | Condition | SubShell | Group;

/** Commands joined by `|`; `after` says when it runs, given the exit code of the one before. */
export interface Pipeline {
  readonly stages: readonly Stage[];
  /** `! command`: success and failure change places. */
  readonly negated: boolean;
  readonly after: 'always' | 'success' | 'failure';
}

export type Script = readonly Pipeline[];

/** Words that a script may use as commands only where the grammar has them. */
const RESERVED = new Set(['do', 'done', 'then', 'fi', 'else', 'elif', 'esac', 'in', '}']);
const LEFT_OUT = new Set(['case', 'function', '[[', 'select']);

/** Reads a script. Throws ShellSyntaxError with what was expected. */
export function parseScript(text: string): Script {
  const cursor = new Cursor(tokenize(text));
  return parseList(cursor, []);
}

type End = 'do' | 'done' | 'then' | 'elif' | 'else' | 'fi' | ')' | '}';

/** Reads up to one of the words that may end the list; without any, to the end of the text. */
function parseList(cursor: Cursor, ends: readonly End[]): Script {
  const pipelines: Pipeline[] = [];
  let after: Pipeline['after'] = 'always';
  for (;;) {
    cursor.skipNewlines();
    if (cursor.done) {
      if (ends.length > 0) throw new ShellSyntaxError(`"${ends.at(-1)}" is missing.`, true);
      if (after !== 'always') throw new ShellSyntaxError('A command was expected at the end.', true);
      return pipelines;
    }
    const end = ends.find((each) => cursor.literal() === each);
    if (end !== undefined && after === 'always') {
      if (pipelines.length === 0) throw new ShellSyntaxError(`A command was expected before "${end}".`);
      return pipelines;
    }
    const negated = cursor.takeLiteral('!');
    pipelines.push({ stages: parsePipeline(cursor), negated, after });
    if (cursor.takeOperator('&&')) after = 'success';
    else if (cursor.takeOperator('||')) after = 'failure';
    else {
      after = 'always';
      const ended = cursor.takeOperator(';') || cursor.takeOperator('\n') || cursor.done;
      if (!ended && !(ends.includes(')') && cursor.literal() === ')'))
        throw new ShellSyntaxError(`"${cursor.literal() ?? '…'}" was not expected here.`);
    }
  }
}

function parsePipeline(cursor: Cursor): Stage[] {
  const stages = [parseStage(cursor)];
  while (cursor.takeOperator('|')) {
    cursor.skipNewlines();
    stages.push(parseStage(cursor));
  }
  return stages;
}

function parseStage(cursor: Cursor): Stage {
  const word = cursor.literal();
  if (word === 'for') return parseFor(cursor);
  if (word === 'while' || word === 'until') return parseWhile(cursor, word);
  if (word === 'if') return parseIf(cursor);
  if (cursor.takeOperator('(')) return { type: 'subshell', ...parseEnclosed(cursor, ')') };
  if (cursor.takeLiteral('{')) return { type: 'group', ...parseEnclosed(cursor, '}') };
  if (word !== undefined && LEFT_OUT.has(word))
    throw new ShellSyntaxError(
      `"${word}" is not part of this terminal; of the control words it knows for, while, until and if.`,
    );
  if (word !== undefined && RESERVED.has(word)) throw new ShellSyntaxError(`"${word}" was not expected here.`);
  return parseSimple(cursor);
}

function parseFor(cursor: Cursor): ForLoop {
  cursor.expect('for');
  const variable = cursor.literal() ?? '';
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable))
    throw new ShellSyntaxError('After "for" comes the name of a variable.', cursor.done);
  cursor.expect(variable);
  cursor.expect('in');
  const values: Word[] = [];
  for (let word = cursor.takeWord(); word; word = cursor.takeWord()) values.push(word);
  cursor.takeOperator(';');
  return { type: 'for', variable, values, ...parseBody(cursor) };
}

function parseWhile(cursor: Cursor, word: 'while' | 'until'): WhileLoop {
  cursor.expect(word);
  return { type: 'while', until: word === 'until', condition: parseList(cursor, ['do']), ...parseBody(cursor) };
}

function parseBody(cursor: Cursor): { body: Script; redirects: readonly Redirect[] } {
  cursor.skipNewlines();
  cursor.expect('do');
  const body = parseList(cursor, ['done']);
  cursor.expect('done');
  return { body, redirects: redirectsOf(cursor) };
}

function parseIf(cursor: Cursor): Condition {
  const branches: { test: Script; body: Script }[] = [];
  let opener: 'if' | 'elif' | undefined = 'if';
  while (opener !== undefined) {
    cursor.expect(opener);
    const test = parseList(cursor, ['then']);
    cursor.expect('then');
    branches.push({ test, body: parseList(cursor, ['elif', 'else', 'fi']) });
    opener = cursor.literal() === 'elif' ? 'elif' : undefined;
  }
  let otherwise: Script | undefined;
  if (cursor.literal() === 'else') {
    cursor.expect('else');
    otherwise = parseList(cursor, ['fi']);
  }
  cursor.expect('fi');
  return { type: 'if', branches, otherwise, redirects: redirectsOf(cursor) };
}

function parseEnclosed(cursor: Cursor, end: ')' | '}'): Pick<Group, 'body' | 'redirects'> {
  const body = parseList(cursor, [end]);
  cursor.expect(end);
  return { body, redirects: redirectsOf(cursor) };
}

/** Those that follow a compound command, for all of it. */
function redirectsOf(cursor: Cursor): Redirect[] {
  const redirects: Redirect[] = [];
  for (let redirect = cursor.takeRedirect(); redirect; redirect = cursor.takeRedirect()) redirects.push(redirect);
  return redirects;
}

function parseSimple(cursor: Cursor): SimpleCommand {
  const assignments: Assignment[] = [];
  const words: Word[] = [];
  const redirects: Redirect[] = [];
  for (;;) {
    const redirect = cursor.takeRedirect();
    if (redirect) {
      redirects.push(redirect);
      continue;
    }
    const word = cursor.takeWord();
    if (!word) break;
    const assignment = words.length === 0 ? readAssignment(word) : undefined;
    if (assignment) assignments.push(assignment);
    else words.push(word);
  }
  if (assignments.length + words.length + redirects.length === 0)
    throw new ShellSyntaxError('A command was expected here.', cursor.done);
  return { type: 'simple', assignments, words, redirects };
}

/** `NAME=value`, where the name and = stand unquoted. */
export function readAssignment(word: Word): Assignment | undefined {
  const [first, ...rest] = word;
  if (first?.type !== 'text' || first.quoted) return undefined;
  const found = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(first.text);
  if (!found) return undefined;
  const start: WordPart[] = found[2] === '' ? [] : [{ type: 'text', text: found[2] ?? '', quoted: false }];
  return { name: found[1] ?? '', value: [...start, ...rest] };
}

class Cursor {
  #at = 0;
  readonly #tokens: readonly Token[];
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }
  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }
  /** The next token as unquoted text, when it is that. */
  literal(): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type === 'operator') return token.text === '\n' ? 'end of line' : token.text;
    if (token?.type !== 'word' || token.parts.length !== 1) return undefined;
    const part = token.parts[0];
    return part?.type === 'text' && !part.quoted ? part.text : undefined;
  }
  expect(text: string): void {
    if (this.literal() !== text) throw new ShellSyntaxError(`"${text}" was expected.`, this.done);
    this.#at += 1;
  }
  takeLiteral(text: string): boolean {
    if (this.literal() !== text) return false;
    this.#at += 1;
    return true;
  }
  takeOperator(text: Operator): boolean {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'operator' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }
  skipNewlines(): void {
    while (this.takeOperator('\n'));
  }
  takeWord(): Word | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'word') return undefined;
    this.#at += 1;
    return token.parts;
  }
  takeRedirect(): Redirect | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'redirect' && token?.type !== 'heredoc') return undefined;
    this.#at += 1;
    if (token.type === 'heredoc') return { heredoc: token.parts };
    if (token.to === 'output' || token.to === 'errors') return { from: token.from, to: token.to, file: undefined };
    const file = this.takeWord();
    if (!file) throw new ShellSyntaxError('A file name was expected after the redirection.', this.done);
    return { from: token.from, to: token.to, file };
  }
}

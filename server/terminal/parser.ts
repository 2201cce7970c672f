import { ShellSyntaxError, type Token, tokenize, type WordPart } from './lexer.ts';

export type Word = readonly WordPart[];

export interface SimpleCommand {
  readonly type: 'simple';
  readonly words: readonly Word[];
  readonly heredoc: string | undefined;
  readonly input: Word | undefined;
  readonly output: { readonly file: Word; readonly append: boolean } | undefined;
}

export interface ForLoop {
  readonly type: 'for';
  readonly variable: string;
  readonly values: readonly Word[];
  readonly body: Script;
}

export type Stage = SimpleCommand | ForLoop;

/** Commands joined by `|`; `after` says when it runs, given the exit code of the one before. */
export interface Pipeline {
  readonly stages: readonly Stage[];
  readonly after: 'always' | 'success' | 'failure';
}

export type Script = readonly Pipeline[];

/** Reads a script. Throws ShellSyntaxError with what was expected. */
export function parseScript(text: string): Script {
  const cursor = new Cursor(tokenize(text));
  const script = parseList(cursor, undefined);
  if (!cursor.done) throw new ShellSyntaxError(`"${cursor.literal()}" was not expected here.`);
  return script;
}

function parseList(cursor: Cursor, end: string | undefined): Script {
  const pipelines: Pipeline[] = [];
  let after: Pipeline['after'] = 'always';
  for (;;) {
    while (cursor.takeOperator(';')) after = 'always';
    if (cursor.done) {
      if (end !== undefined) throw new ShellSyntaxError(`The loop needs "${end}" at its end.`, true);
      return pipelines;
    }
    if (end !== undefined && cursor.literal() === end) return pipelines;
    pipelines.push({ stages: parsePipeline(cursor), after });
    if (cursor.takeOperator('&&')) after = 'success';
    else if (cursor.takeOperator('||')) after = 'failure';
    else after = 'always';
  }
}

function parsePipeline(cursor: Cursor): Stage[] {
  const stages = [parseStage(cursor)];
  while (cursor.takeOperator('|')) stages.push(parseStage(cursor));
  return stages;
}

function parseStage(cursor: Cursor): Stage {
  return cursor.literal() === 'for' ? parseFor(cursor) : parseSimple(cursor);
}

function parseFor(cursor: Cursor): ForLoop {
  cursor.expect('for');
  const variable = cursor.literal() ?? '';
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable))
    throw new ShellSyntaxError('After "for" comes the name of a variable.');
  cursor.expect(variable);
  cursor.expect('in');
  const values: Word[] = [];
  for (let word = cursor.takeWord(); word; word = cursor.takeWord()) values.push(word);
  while (cursor.takeOperator(';'));
  cursor.expect('do');
  const body = parseList(cursor, 'done');
  cursor.expect('done');
  return { type: 'for', variable, values, body };
}

function parseSimple(cursor: Cursor): SimpleCommand {
  const words: Word[] = [];
  let heredoc: string | undefined;
  let input: Word | undefined;
  let output: SimpleCommand['output'];
  for (;;) {
    const word = cursor.takeWord();
    if (word) {
      if (word.length > 0) words.push(word);
      continue;
    }
    const text = cursor.takeHeredoc();
    if (text !== undefined) heredoc = text;
    else if (cursor.takeOperator('<')) input = cursor.needWord('<');
    else if (cursor.takeOperator('>')) output = { file: cursor.needWord('>'), append: false };
    else if (cursor.takeOperator('>>')) output = { file: cursor.needWord('>>'), append: true };
    else break;
  }
  if (words.length === 0) throw new ShellSyntaxError('A command was expected here.', cursor.done);
  return { type: 'simple', words, heredoc, input, output };
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
    if (token?.type === 'operator') return token.text;
    if (token?.type !== 'word' || token.parts.length !== 1) return undefined;
    const part = token.parts[0];
    return part?.type === 'text' && !part.quoted ? part.text : undefined;
  }
  expect(text: string): void {
    if (this.literal() !== text) throw new ShellSyntaxError(`"${text}" was expected.`, this.done);
    this.#at += 1;
  }
  takeOperator(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'operator' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }
  takeWord(): Word | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'word') return undefined;
    this.#at += 1;
    return token.parts;
  }
  needWord(after: string): Word {
    const word = this.takeWord();
    if (!word) throw new ShellSyntaxError(`A file name was expected after ${after}.`, this.done);
    return word;
  }
  takeHeredoc(): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'heredoc') return undefined;
    this.#at += 1;
    return token.text;
  }
}

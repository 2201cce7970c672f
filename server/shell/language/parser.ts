import { Cursor } from './cursor.ts';
import { tokenize } from './lexer.ts';
import type {
  Arithmetic,
  Assignment,
  Choice,
  Condition,
  CountedLoop,
  ForLoop,
  Group,
  Pipeline,
  Redirect,
  Script,
  SimpleCommand,
  Stage,
  WhileLoop,
} from './script.ts';
import { ShellSyntaxError } from './syntax-error.ts';
import { readHeredocText, type Word, type WordPart } from './words.ts';

/** Words that a script may use as commands only where the grammar has them. */
const RESERVED = new Set(['do', 'done', 'then', 'fi', 'else', 'elif', 'esac', 'in', '}']);
const LEFT_OUT = new Set(['function', '[[', 'select']);

/** Reads a script. Throws ShellSyntaxError with what was expected. */
export function parseScript(text: string): Script {
  const cursor = new Cursor(tokenize(text));
  return parseList(cursor, []);
}

type End = 'do' | 'done' | 'then' | 'elif' | 'else' | 'fi' | ')' | '}' | ';;' | 'esac';

/** What ends a branch of `case`, in which nothing need stand. */
const MAY_BE_EMPTY: ReadonlySet<End> = new Set([';;', 'esac']);

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
      if (pipelines.length === 0 && !MAY_BE_EMPTY.has(end))
        throw new ShellSyntaxError(`A command was expected before "${end}".`);
      return pipelines;
    }
    const timed = cursor.takeLiteral('time');
    const negated = cursor.takeLiteral('!');
    pipelines.push({ stages: parsePipeline(cursor), negated, timed, after });
    if (cursor.takeOperator('&&')) after = 'success';
    else if (cursor.takeOperator('||')) after = 'failure';
    else {
      after = 'always';
      const ended = cursor.takeOperator(';') || cursor.takeOperator('\n') || cursor.done;
      const literal = cursor.literal();
      if (!ended && !((literal === ')' || literal === ';;') && ends.includes(literal)))
        throw new ShellSyntaxError(`"${literal ?? '…'}" was not expected here.`);
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
  if (word === 'case') return parseCase(cursor);
  const expression = cursor.takeArithmetic();
  if (expression !== undefined) return parseArithmetic(expression, cursor);
  if (cursor.takeOperator('(')) return { type: 'subshell', ...parseEnclosed(cursor, ')') };
  if (cursor.takeLiteral('{')) return { type: 'group', ...parseEnclosed(cursor, '}') };
  if (word !== undefined && LEFT_OUT.has(word))
    throw new ShellSyntaxError(
      word === '[['
        ? '"[[" is not part of this terminal; write [ "$A" = b ].'
        : `"${word}" is not part of this terminal; of the control words it knows for, while, until, if and case.`,
    );
  if (word !== undefined && RESERVED.has(word)) throw new ShellSyntaxError(`"${word}" was not expected here.`);
  return parseSimple(cursor);
}

function parseFor(cursor: Cursor): ForLoop | CountedLoop {
  cursor.expect('for');
  const counted = cursor.takeArithmetic();
  if (counted !== undefined) return parseCounted(counted, cursor);
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

function parseCounted(text: string, cursor: Cursor): CountedLoop {
  const [first, condition, next, ...more] = text.split(';').map(readHeredocText);
  if (first === undefined || condition === undefined || next === undefined || more.length > 0)
    throw new ShellSyntaxError('for ((…)) has three parts: for ((i = 0; i < 3; i++)).');
  cursor.takeOperator(';');
  return { type: 'counted', first, condition, next, ...parseBody(cursor) };
}

const parseArithmetic = (text: string, cursor: Cursor): Arithmetic => ({
  type: 'arithmetic',
  expression: readHeredocText(text),
  redirects: redirectsOf(cursor),
});

function parseCase(cursor: Cursor): Choice {
  cursor.expect('case');
  const subject = cursor.takeWord();
  if (!subject) throw new ShellSyntaxError('After "case" comes a word.', cursor.done);
  cursor.skipNewlines();
  cursor.expect('in');
  const branches: { patterns: Word[]; body: Script }[] = [];
  for (cursor.skipNewlines(); !cursor.takeLiteral('esac'); cursor.skipNewlines()) {
    cursor.takeOperator('(');
    const patterns: Word[] = [];
    do {
      const pattern = cursor.takeWord();
      if (!pattern) throw new ShellSyntaxError('A pattern, or "esac", was expected.', cursor.done);
      patterns.push(pattern);
    } while (cursor.takeOperator('|'));
    cursor.expect(')');
    branches.push({ patterns, body: parseList(cursor, [';;', 'esac']) });
    cursor.takeOperator(';;');
  }
  return { type: 'case', subject, branches, redirects: redirectsOf(cursor) };
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

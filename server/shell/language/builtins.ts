import { UsageError } from '../command.ts';
import { DEFAULT_IFS, split } from './expand.ts';
import { takeLine } from './pipe.ts';
import type { Streams } from './redirects.ts';
import { argumentsOf, type Variables } from './variables.ts';

/** What a command of the shell itself works on. */
export interface ShellState {
  readonly variables: Variables;
  /** Exit code of the command before. */
  readonly last: number;
  /** Loops around the command. */
  readonly loops: number;
  /** Whether a name is a program. */
  readonly knows: (name: string) => boolean;
}

/** Commands that change the shell they run in, and so can be no programs. */
export type Builtin = (args: readonly string[], state: ShellState, streams: Streams) => Promise<number> | number;

/** `exit` was called: the script ends with this code. */
export class ScriptExit extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** `break` or `continue`, on its way to the loop that it is about. */
export class LoopJump extends Error {
  readonly word: 'break' | 'continue';
  /** How many loops it still leaves, with the one that it is about. */
  readonly levels: number;
  constructor(word: 'break' | 'continue', levels: number) {
    super(word);
    this.word = word;
    this.levels = levels;
  }
}

/** Outside of a loop it does nothing, and says so. */
const jump =
  (word: 'break' | 'continue'): Builtin =>
  ([levels], { loops }, { err }) => {
    if (loops === 0) {
      err(`${word}: only meaningful in a \`for', \`while', or \`until' loop\n`);
      return 0;
    }
    const count = Number(levels ?? 1);
    if (!Number.isInteger(count) || count < 1) throw new UsageError(`${word}: ${levels}: loop count out of range`);
    throw new LoopJump(word, Math.min(count, loops));
  };

const exit: Builtin = ([code], { last }) => {
  if (code !== undefined && !/^-?\d+$/.test(code)) throw new UsageError(`exit: ${code}: numeric argument required`, 2);
  throw new ScriptExit(code === undefined ? last : Number(code) & 0xff);
};

const unset: Builtin = (args, { variables }) => {
  for (const name of args.filter((arg) => !arg.startsWith('-'))) variables.remove(name);
  return 0;
};

/** Reads one line into variables; the last takes what is left of it. Source: POSIX, read; with bash's -p and -r. */
const read: Builtin = async (args, { variables }, { stdin, err }) => {
  const names: string[] = [];
  let raw = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '-p') err(args[++at] ?? '');
    else if (arg === '-r') raw = true;
    else if (/^[A-Za-z_]\w*$/.test(arg)) names.push(arg);
    else throw new UsageError(`read: ${arg}: this terminal knows read [-r] [-p text] [names…]`, 2);
  }
  if (names.length === 0) names.push('REPLY');
  let found = await takeLine(stdin);
  const ended = found?.ended ?? false;
  let line = found?.line ?? '';
  while (!raw && line.endsWith('\\') && found?.ended) {
    found = await takeLine(stdin);
    line = line.slice(0, -1) + (found?.line ?? '');
  }
  const separators = variables.get('IFS') ?? DEFAULT_IFS;
  const fields = fieldsOf(raw ? line : line.replace(/\\(.)/g, '$1'), separators, names.length);
  for (const [index, name] of names.entries()) variables.set(name, fields[index] ?? '');
  return ended ? 0 : 1;
};

/** At most `most` fields; the last is the rest of the line as it stands, without blanks around it. */
function fieldsOf(line: string, separators: string, most: number): string[] {
  const blanks = [...separators].filter((char) => DEFAULT_IFS.includes(char)).join('');
  const trim = (text: string): string => {
    let [from, to] = [0, text.length];
    while (from < to && blanks.includes(text[from] ?? ' ')) from++;
    while (to > from && blanks.includes(text[to - 1] ?? ' ')) to--;
    return blanks === '' ? text : text.slice(from, to);
  };
  const fields: string[] = [];
  let rest = trim(line);
  while (fields.length < most - 1 && rest !== '') {
    const [field = ''] = split(rest, separators);
    fields.push(field);
    const after = rest.slice(field.length);
    // Of blanks all that stand in a row are one separator, of others one character.
    rest = blanks === separators ? trim(after) : trim(after.slice(1));
  }
  return rest === '' ? fields : [...fields, rest];
}

/** `command -v name`, `type name`, `which name`: whether a command is there. */
const find =
  (say: (name: string) => string): Builtin =>
  (args, { knows }, { out, err }) => {
    const names = args.filter((arg) => !arg.startsWith('-'));
    for (const name of names) {
      if (knows(name) || builtins.has(name)) out(say(name));
      else if (say === SHORT) continue;
      else err(`${name}: not found\n`);
    }
    return names.every((name) => knows(name) || builtins.has(name)) ? 0 : 1;
  };

const SHORT = (name: string): string => (builtins.has(name) ? `${name}\n` : `/usr/bin/${name}\n`);

/** `set -- a b`: what `$1`, `$2` and `"$@"` are. */
const setArguments: Builtin = ([dashes, ...given], { variables }) => {
  if (dashes !== '--')
    throw new UsageError(
      'set: options of the shell are not part of this terminal; join commands with && to stop at a failure',
      2,
    );
  setAll(variables, given);
  return 0;
};

const shift: Builtin = ([count = '1'], { variables }) => {
  const given = argumentsOf(variables);
  if (!/^\d+$/.test(count) || Number(count) > given.length) return 1;
  setAll(variables, given.slice(Number(count)));
  return 0;
};

function setAll(variables: Variables, given: readonly string[]): void {
  const before = argumentsOf(variables).length;
  for (const [index, text] of given.entries()) variables.set(String(index + 1), text);
  for (let number = given.length + 1; number <= before; number++) variables.remove(String(number));
}

const refuse =
  (why: string): Builtin =>
  () => {
    throw new UsageError(why, 2);
  };

/** By name. `export` is here for its exit code: what it assigns is assigned while its words are read. */
export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', () => 0],
  ['export', () => 0],
  ['break', jump('break')],
  ['continue', jump('continue')],
  ['exit', exit],
  ['unset', unset],
  ['read', read],
  ['command', find(SHORT)],
  ['which', find(SHORT)],
  ['type', find((name) => `${name} is ${builtins.has(name) ? 'a shell builtin' : `/usr/bin/${name}`}\n`)],
  ['set', setArguments],
  ['shift', shift],
  ['alias', refuse('alias: this terminal has one alias, k for kubectl')],
]);

import { type CommandIo, type ShellWorld, UsageError } from '../../command.ts';
import { type FlagSpec, type Flags, programDialect, readCount, readFlags } from '../../flags.ts';
import { textPipe } from '../../language/pipe.ts';

/** A file's text; the error is the one that every Unix program gives. */
export function readFile(program: string, path: string, world: ShellWorld): string {
  const text = world.files.read(path);
  if (text === undefined) throw new UsageError(`${program}: ${path}: No such file or directory`);
  return text;
}

/** Input of a text command: the named files in order (`-` is standard input), else standard input. */
export function input(
  program: string,
  names: readonly string[],
  io: CommandIo,
  world: ShellWorld,
): AsyncIterable<string> {
  if (names.length === 0 || (names.length === 1 && names[0] === '-')) return io.stdin;
  return textPipe(names.map((name) => readFile(program, name, world)).join(''));
}

/** Flags of a small Unix program. */
export const textFlags = (program: string, args: readonly string[], spec: FlagSpec): Flags =>
  readFlags(args, spec, programDialect(program));

/** The lines that `-5`, `-n 5` or `-n5` ask for; 10 when nothing is said. */
export function lineCount(program: string, args: readonly string[]): { count: number; files: readonly string[] } {
  const plain = args.map((arg) => (/^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg));
  const { words, text } = textFlags(program, plain, { lines: { takes: 'value', short: 'n' } });
  const asked = text('lines') ?? '10';
  const count = readCount(asked);
  if (count === undefined) throw new UsageError(`${program}: invalid number of lines: '${asked}'`);
  return { count, files: words };
}

export const completeFiles = (_words: readonly string[], world: ShellWorld): readonly string[] => world.files.list('');

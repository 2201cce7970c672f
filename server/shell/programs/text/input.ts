import { type CommandIo, type ShellWorld, UsageError } from '../../command.ts';
import { type FlagSpec, type Flags, programDialect, readFlags } from '../../flags.ts';
import { textPipe } from '../../language/pipe.ts';

/** A file's text; the error is the one that every Unix program gives. */
export function readFile(program: string, path: string, world: ShellWorld, exitCode = 1): string {
  const text = world.files.read(path);
  if (text === undefined) throw new UsageError(`${program}: ${path}: No such file or directory`, exitCode);
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
  if (!names.includes('-')) return textPipe(names.map((name) => readFile(program, name, world)).join(''));
  return (async function* () {
    for (const name of names) {
      if (name === '-') yield* io.stdin;
      else yield readFile(program, name, world);
    }
  })();
}

/** Flags of a small Unix program. */
export const textFlags = (program: string, args: readonly string[], spec: FlagSpec): Flags =>
  readFlags(args, spec, programDialect(program));

export const completeFiles = (_words: readonly string[], world: ShellWorld): readonly string[] => world.files.list('');

import { errorMessage } from '#domain';
import { type Command, type CommandIo, createShell, readAll, type ShellIo, textPipe, UsageError } from '#shell';
import type { PodWorld } from './pod-world.ts';
import { programsOf } from './programs.ts';

const SHELLS = new Set(['sh', 'bash', 'ash', 'dash']);
const EXIT_NOT_FOUND = 127;

/** The streams of a command in a container. */
export type ContainerIo = Pick<CommandIo, 'stdin' | 'hasStdin' | 'out' | 'err' | 'signal'>;

export const noInput = { stdin: textPipe(''), hasStdin: false } as const;

/** `sh` without a script: it reads what somebody types. */
export const isBareShell = ([path = '', ...args]: readonly string[]): boolean =>
  SHELLS.has(path.split('/').at(-1) ?? path) && args.every((arg) => /^-[il]+$/.test(arg));

/**
 * Runs a command as a container would, by our own interpreter of known programs: nothing of it reaches the host. Resolves with the exit code;
 * 127 with the runtime's words when there is no such program.
 */
export async function runCommand(command: readonly string[], io: ContainerIo, world: PodWorld): Promise<number> {
  const [path = '', ...args] = command;
  const name = path.split('/').at(-1) ?? path;
  if (SHELLS.has(name)) return runShell(args, io, world);
  const own = world.imageExec(command);
  if (own !== undefined) {
    io.out(own.stdout);
    return own.exitCode;
  }
  const program = programsOf(world).get(name);
  if (program === undefined) {
    io.err(`exec: "${path}": executable file not found in $PATH\n`);
    return EXIT_NOT_FOUND;
  }
  const call: CommandIo['call'] = (words, { stdin, signal = io.signal } = {}) =>
    runCommand(
      words,
      { ...io, signal, ...(stdin === undefined ? {} : { stdin: textPipe(stdin), hasStdin: true }) },
      world,
    );
  const script: CommandIo['script'] = (text, options) => call(['sh', '-c', text], options);
  const variables = new Map(Object.entries(world.env));
  return told(program, args, { io: { ...io, variables, call, script }, world });
}

async function told(
  program: Command<PodWorld>,
  args: readonly string[],
  { io, world }: { readonly io: CommandIo; readonly world: PodWorld },
): Promise<number> {
  try {
    return await program.run(args, io, world);
  } catch (error) {
    if (io.signal.aborted) return 130;
    const usage = error instanceof UsageError;
    io.err(`${usage ? '' : `${program.name}: `}${errorMessage(error)}\n`);
    return usage ? error.exitCode : 1;
  }
}

/** `sh -c 'script' [name args…]`, `sh file [args…]`, or a script on standard input. */
async function runShell(args: readonly string[], io: ContainerIo, world: PodWorld): Promise<number> {
  const flag = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
  const shell = podShell(world);
  if (flag >= 0) {
    const [script = '', , ...positional] = args.slice(flag + 1);
    for (const [index, value] of positional.entries()) shell.variables.set(String(index + 1), value);
    return shell.run(script, scriptIo(io));
  }
  const [file, ...positional] = args.filter((arg) => !arg.startsWith('-'));
  for (const [index, value] of positional.entries()) shell.variables.set(String(index + 1), value);
  const script = file === undefined ? await readAll(io.stdin) : world.files.read(file);
  if (script === undefined) {
    io.err(`sh: ${file}: No such file or directory\n`);
    return EXIT_NOT_FOUND;
  }
  // A script that came on standard input has used it up.
  return shell.run(script, file === undefined ? { out: io.out, err: io.err, signal: io.signal } : scriptIo(io));
}

/** What a script reads is what is piped into its shell. */
const scriptIo = ({ out, err, signal, stdin, hasStdin }: ContainerIo): ShellIo => ({
  out,
  err,
  signal,
  ...(hasStdin ? { stdin } : {}),
});

/** A shell with the container's environment as its variables. */
export function podShell(world: PodWorld): ReturnType<typeof createShell> {
  const commands = new Map(programsOf(world));
  for (const name of SHELLS) {
    commands.set(name, {
      name,
      summary: 'a shell',
      manual: name,
      run: (args, io, inner) => runShell(args, io, inner),
    });
  }
  const shell = createShell<PodWorld>({ commands, world, notFound: (name) => `sh: ${name}: not found` });
  for (const [name, value] of Object.entries(world.env)) shell.variables.set(name, value);
  return shell;
}

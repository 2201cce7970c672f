import { type Command, UsageError } from '#shell';
import type { PodWorld } from './pod-world.ts';

const command = (name: string, summary: string, run: Command<PodWorld>['run']): Command<PodWorld> => ({
  name,
  summary,
  manual: name,
  run,
});

const touch = command('touch', 'make files', async (args, _io, { files }) => {
  for (const path of args.filter((arg) => !arg.startsWith('-'))) files.write(path, files.read(path) ?? '');
  return 0;
});

const mkdir = command('mkdir', 'make a folder', async () => 0);

/** What `kubectl cp` runs in the container. */
const tar = command('tar', 'not available: kubectl cp copies nothing here', async (_args, io) => {
  io.err('tar: containers here keep a few text files and no archives, so kubectl cp cannot copy; read one with cat\n');
  return EXIT_UNSUPPORTED;
});

/** GNU tar's own code for a fatal error. */
const EXIT_UNSUPPORTED = 2;

const rm = command('rm', 'remove files', async (args, io, { files }) => {
  const flags = args.filter((arg) => arg.startsWith('-')).join('');
  let code = 0;
  for (const path of args.filter((arg) => !arg.startsWith('-'))) {
    const below = /r/i.test(flags) ? files.list(path) : [];
    const gone = [path, ...below].filter((each) => files.remove(each));
    if (gone.length > 0 || flags.includes('f')) continue;
    io.err(`rm: can't remove '${path}': No such file or directory\n`);
    code = 1;
  }
  return code;
});

/** `test -f /tmp/healthy`, `[ "$A" = b ]`: the forms that probes and loops use. */
const test = (name: string): Command<PodWorld> =>
  command(name, 'check a condition', async (args, _io, { files }) => {
    const words = name === '[' ? args.slice(0, -1) : [...args];
    if (name === '[' && args.at(-1) !== ']') throw new UsageError('[: missing ]', 2);
    const negated = words[0] === '!';
    return holds(negated ? words.slice(1) : words, files) === !negated ? 0 : 1;
  });

function holds([first = '', second, third = '', ...more]: readonly string[], files: PodWorld['files']): boolean {
  if (more.length > 0) throw new UsageError('test: too many arguments', 2);
  if (second === undefined) return first !== '';
  switch (first) {
    case '-f':
    case '-e':
    case '-r':
      return files.read(second) !== undefined;
    case '-s':
      return (files.read(second) ?? '') !== '';
    case '-d':
      return files.list(second).length > 0;
    case '-z':
      return second === '';
    case '-n':
      return second !== '';
  }
  const [a, b] = [Number(first), Number(third)];
  const compare: Readonly<Record<string, boolean>> = {
    '=': first === third,
    '==': first === third,
    '!=': first !== third,
    '-eq': a === b,
    '-ne': a !== b,
    '-lt': a < b,
    '-le': a <= b,
    '-gt': a > b,
    '-ge': a >= b,
  };
  const answer = compare[second];
  if (answer === undefined) throw new UsageError(`test: ${second}: unknown operand`, 2);
  return answer;
}

/** What a container does to its own files. */
export const fileCommands: readonly Command<PodWorld>[] = [touch, mkdir, rm, tar, test('test'), test('[')];

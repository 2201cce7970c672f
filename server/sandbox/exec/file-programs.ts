import type { Command } from '#shell';
import type { PodWorld } from './pod-world.ts';
import { runTar } from './tar.ts';

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

const mkdir = command('mkdir', 'make a folder', async (args, _io, { files }) => {
  for (const path of args.filter((arg) => !arg.startsWith('-'))) files.makeFolder(path);
  return 0;
});

/** Archives as files. Bytes do not go through a shell's pipes; kubectl cp asks for none (pod-access.ts gives it the streams themselves). */
const tar = command('tar', 'keep files in an archive', async (args, io, { files, clock }) => {
  const out = (bytes: Buffer): void => io.out(bytes.toString('utf8'));
  return runTar(args, { stdin: io.stdin, out, err: io.err }, { files, nowMs: clock.now() });
});

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

/** What a container does to its own files. */
export const fileCommands: readonly Command<PodWorld>[] = [touch, mkdir, rm, tar];

import type { Command } from '#shell';
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

/** What a container does to its own files. */
export const fileCommands: readonly Command<PodWorld>[] = [touch, mkdir, rm, tar];

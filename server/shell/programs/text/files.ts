import { type Command, UsageError } from '../../command.ts';
import { completeFiles, input, readFile, textFlags } from './input.ts';

const cat: Command = {
  name: 'cat',
  summary: 'print files',
  manual: 'cat [files…]   With no file: what is piped in. `cat > mine.yaml <<EOF` writes a file.',
  run: async (args, io, world) => {
    const { words } = textFlags('cat', args, {});
    for await (const chunk of input('cat', words, io, world)) io.out(chunk);
    return 0;
  },
  complete: completeFiles,
};

const ls: Command = {
  name: 'ls',
  summary: 'list files',
  manual: 'ls [folder]   Your files, and the samples below samples/.',
  run: async (args, io, world) => {
    const { words } = textFlags('ls', args, {
      long: { takes: 'nothing', short: 'l' },
      all: { takes: 'nothing', short: 'a' },
      one: { takes: 'nothing', short: '1' },
    });
    const folder = (words[0] ?? '').replace(/\/+$/, '');
    if (folder !== '' && world.files.read(folder) !== undefined) {
      io.out(`${folder}\n`);
      return 0;
    }
    const prefix = folder === '' || folder === '.' || folder === '~' ? '' : `${folder.replace(/^(?:\.|~)\//, '')}/`;
    const names = new Set(world.files.list(prefix).map((path) => path.slice(prefix.length).replace(/\/.*$/, '/')));
    if (names.size === 0 && prefix !== '')
      throw new UsageError(`ls: cannot access '${words[0]}': No such file or directory`, 2);
    for (const name of names) io.out(`${name}\n`);
    return 0;
  },
  complete: completeFiles,
};

const cp: Command = {
  name: 'cp',
  summary: 'copy a file',
  manual: 'cp from to',
  run: async (args, _io, world) => {
    const [from, to, more] = textFlags('cp', args, {}).words;
    if (from === undefined || to === undefined || more !== undefined) throw new UsageError('usage: cp from to');
    const text = readFile('cp', from, world);
    world.files.write(/^(?:\.|~)\/?$/.test(to) ? (from.split('/').at(-1) ?? from) : to, text);
    return 0;
  },
  complete: completeFiles,
};

const rm: Command = {
  name: 'rm',
  summary: 'remove a file of yours',
  manual: 'rm [-f] files…',
  run: async (args, io, world) => {
    const flags = textFlags('rm', args, { force: { takes: 'nothing', short: 'f' } });
    if (flags.words.length === 0 && !flags.on('force')) throw new UsageError('rm: missing operand');
    let code = 0;
    for (const path of flags.words) {
      if (world.files.remove(path) || flags.on('force')) continue;
      io.err(`rm: cannot remove '${path}': No such file of yours\n`);
      code = 1;
    }
    return code;
  },
  complete: completeFiles,
};

export const fileCommands: readonly Command[] = [cat, ls, cp, rm];

import { type Command, type ShellFiles, UsageError } from '../../command.ts';
import { completeFiles, input, readFile, textFlags } from './input.ts';

const MAX_FILE = 1_048_576;

const cat: Command = {
  name: 'cat',
  summary: 'print files',
  manual: 'cat [-n] [files…]   With no file: what is piped in. `cat > mine.yaml <<EOF` writes a file.',
  run: async (args, io, world) => {
    const flags = textFlags('cat', args, {
      number: { takes: 'nothing', short: 'n' },
      unbuffered: { takes: 'nothing', short: 'u' },
    });
    let code = 0;
    let line = 0;
    let open = false;
    for (const name of flags.words.length === 0 ? ['-'] : flags.words) {
      if (name !== '-' && world.files.read(name) === undefined) {
        io.err(`cat: ${name}: No such file or directory\n`);
        code = 1;
        continue;
      }
      for await (const chunk of input('cat', [name], io, world)) {
        if (!flags.on('number')) io.out(chunk);
        else
          for (const [piece] of chunk.matchAll(/[^\n]*\n|[^\n]+/g)) {
            io.out(open ? piece : `${String(++line).padStart(6)}\t${piece}`);
            open = !piece.endsWith('\n');
          }
      }
    }
    return code;
  },
  complete: completeFiles,
};

const ls: Command = {
  name: 'ls',
  summary: 'list files',
  manual: 'ls [-l] [files and folders…]   Your files, and the samples below samples/. -l: with their lengths in bytes.',
  run: async (args, io, world) => {
    const flags = textFlags('ls', args, {
      long: { takes: 'nothing', short: 'l' },
      all: { takes: 'nothing', short: 'a' },
      human: { takes: 'nothing', short: 'h' },
      one: { takes: 'nothing', short: '1' },
    });
    const line = (path: string, name: string): string => {
      const text = world.files.read(path);
      if (!flags.on('long')) return `${name}\n`;
      const bytes = text === undefined ? '-' : String(Buffer.byteLength(text));
      return `${bytes.padStart(8)} ${name}\n`;
    };
    const paths = flags.words.length === 0 ? [''] : flags.words;
    const isFile = (path: string): boolean => path !== '' && world.files.read(path) !== undefined;
    for (const path of paths.filter(isFile)) io.out(line(path, path));
    let code = 0;
    for (const [index, path] of paths.filter((each) => !isFile(each)).entries()) {
      const listed = folderList(path, world.files);
      if (listed.names.length === 0 && listed.prefix !== '' && world.files.isFolder?.(path) !== true) {
        io.err(`ls: cannot access '${path}': No such file or directory\n`);
        code = 2;
        continue;
      }
      if (paths.length > 1) io.out(`${index > 0 || paths.some(isFile) ? '\n' : ''}${path}:\n`);
      for (const name of listed.names) io.out(line(listed.prefix + name, name));
    }
    return code;
  },
  complete: completeFiles,
};

/** What lies in a folder; folders of it end in a slash. */
function folderList(path: string, files: ShellFiles): { readonly prefix: string; readonly names: readonly string[] } {
  const folder = path.replace(/\/+$/, '');
  const prefix = folder === '' || folder === '.' || folder === '~' ? '' : `${folder.replace(/^(?:\.|~)\//, '')}/`;
  const names = files.list(prefix).map((each) => each.slice(prefix.length).replace(/\/.*$/, '/'));
  return { prefix, names: [...new Set(names)] };
}

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

const mv: Command = {
  name: 'mv',
  summary: 'rename a file of yours',
  manual: 'mv from to',
  run: async (args, _io, world) => {
    const [from, to, more] = textFlags('mv', args, { force: { takes: 'nothing', short: 'f' } }).words;
    if (from === undefined || to === undefined || more !== undefined) throw new UsageError('usage: mv from to');
    const text = readFile('mv', from, world);
    if (from === to) throw new UsageError(`mv: '${from}' and '${to}' are the same file`);
    world.files.write(to, text);
    if (!world.files.remove(from)) {
      world.files.remove(to);
      throw new UsageError(`mv: cannot move '${from}': Read-only file system`);
    }
    return 0;
  },
  complete: completeFiles,
};

const touch: Command = {
  name: 'touch',
  summary: 'make an empty file',
  manual: 'touch files…',
  run: async (args, _io, world) => {
    for (const path of textFlags('touch', args, {}).words)
      if (world.files.read(path) === undefined) world.files.write(path, '');
    return 0;
  },
  complete: completeFiles,
};

/** Copies what it reads to files and on. */
const tee: Command = {
  name: 'tee',
  summary: 'write what passes through to a file, too',
  manual:
    'tee [-a] files…   -a: at the end of the file. Ends with its input; kubectl get vs -o yaml | tee a.yaml | head',
  run: async (args, io, world) => {
    const flags = textFlags('tee', args, { append: { takes: 'nothing', short: 'a' } });
    let text = '';
    for await (const chunk of io.stdin) {
      io.out(chunk);
      text += chunk;
      if (text.length > MAX_FILE) throw new UsageError('tee: at most 1 MiB a file');
    }
    for (const path of flags.words) {
      if (path === '/dev/null') continue;
      if (path === '/dev/stderr') io.err(text);
      else world.files.write(path, flags.on('append') ? (world.files.read(path) ?? '') + text : text);
    }
    return 0;
  },
  complete: completeFiles,
};

const basename: Command = {
  name: 'basename',
  summary: 'the last part of a path',
  manual: 'basename path [suffix]',
  run: async (args, io) => {
    const [path, suffix = ''] = textFlags('basename', args, {}).words;
    if (path === undefined) throw new UsageError('basename: missing operand');
    const name = path.replace(/\/+$/, '').split('/').at(-1) || (path === '' ? '' : '/');
    io.out(`${suffix !== '' && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name}\n`);
    return 0;
  },
};

const dirname: Command = {
  name: 'dirname',
  summary: 'a path without its last part',
  manual: 'dirname paths…',
  run: async (args, io) => {
    const { words } = textFlags('dirname', args, {});
    if (words.length === 0) throw new UsageError('dirname: missing operand');
    for (const path of words) {
      const folder = path.replace(/\/+$/, '').replace(/\/*[^/]*$/, '');
      io.out(`${folder !== '' ? folder : path.startsWith('/') ? '/' : '.'}\n`);
    }
    return 0;
  },
};

export const fileCommands: readonly Command[] = [cat, ls, cp, mv, rm, touch, tee, basename, dirname];

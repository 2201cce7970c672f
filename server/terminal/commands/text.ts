import { RE2JS } from 're2js';
import { type Command, type CommandIo, type ShellContext, UsageError } from '../command.ts';
import { readFlags } from '../flags.ts';
import { readAll, readLines, textPipe } from '../pipe.ts';

/** Input of a text command: the named files in order, else standard input. */
function input(names: readonly string[], io: CommandIo, context: ShellContext): AsyncIterable<string> {
  if (names.length === 0) return io.stdin;
  return textPipe(
    names
      .map((name) => {
        const text = context.files.read(name);
        if (text === undefined) throw new UsageError(`${name}: No such file or directory`);
        return text;
      })
      .join(''),
  );
}

const echo: Command = {
  name: 'echo',
  summary: 'print words',
  manual: 'echo [-n] words…',
  run: async (args, io) => {
    const bare = args[0] === '-n';
    io.out(args.slice(bare ? 1 : 0).join(' ') + (bare ? '' : '\n'));
    return 0;
  },
};

const cat: Command = {
  name: 'cat',
  summary: 'print files',
  manual: 'cat [files…]   With no file: what is piped in. `cat > mine.yaml <<EOF` writes a file.',
  run: async (args, io, context) => {
    for await (const chunk of input(args, io, context)) io.out(chunk);
    return 0;
  },
  complete: (_words, context) => context.files.list(''),
};

const ls: Command = {
  name: 'ls',
  summary: 'list files',
  manual: 'ls [folder]   Your files, and the samples below samples/.',
  run: async (args, io, context) => {
    const { words } = readFlags(args, { long: { type: 'boolean', short: 'l' }, all: { type: 'boolean', short: 'a' } });
    const folder = words[0] ?? '';
    const prefix = folder === '' || folder === '.' ? '' : `${folder.replace(/\/$/, '')}/`;
    const names = new Set(context.files.list(folder).map((path) => path.slice(prefix.length).replace(/\/.*$/, '/')));
    if (names.size === 0 && prefix !== '') throw new UsageError(`ls: ${folder}: No such file or directory`);
    for (const name of names) io.out(`${name}\n`);
    return 0;
  },
  complete: (_words, context) => context.files.list(''),
};

const grep: Command = {
  name: 'grep',
  summary: 'print the lines that match',
  manual: 'grep [-i] [-v] [-c] [-o] [-E] [-F] [-w] [-n] pattern [files…]   Patterns are RE2.',
  run: async (args, io, context) => {
    const flags = readFlags(args, {
      i: { type: 'boolean', short: 'i' },
      v: { type: 'boolean', short: 'v' },
      c: { type: 'boolean', short: 'c' },
      o: { type: 'boolean', short: 'o' },
      n: { type: 'boolean', short: 'n' },
      w: { type: 'boolean', short: 'w' },
      q: { type: 'boolean', short: 'q' },
      F: { type: 'boolean', short: 'F' },
      E: { type: 'boolean', short: 'E' },
    });
    const [pattern, ...files] = flags.words;
    if (pattern === undefined) throw new UsageError('usage: grep [-ivco] pattern [files…]');
    const matcher = compilePattern(pattern, flags.on('F'), flags.on('i'), flags.on('w'));
    let count = 0;
    let number = 0;
    for await (const line of readLines(input(files, io, context))) {
      number += 1;
      const found = matcher.matcher(line);
      if (found.find() === flags.on('v')) continue;
      count += 1;
      if (flags.on('c') || flags.on('q')) continue;
      const mark = flags.on('n') ? `${number}:` : '';
      if (!flags.on('o')) io.out(`${mark}${line}\n`);
      else
        do io.out(`${mark}${found.group()}\n`);
        while (found.find());
    }
    if (flags.on('c')) io.out(`${count}\n`);
    return count > 0 ? 0 : 1;
  },
};

function compilePattern(pattern: string, fixed: boolean, ignoreCase: boolean, wholeWord: boolean): RE2JS {
  const source = fixed ? RE2JS.quote(pattern) : pattern;
  try {
    return RE2JS.compile(wholeWord ? `\\b(?:${source})\\b` : source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    throw new UsageError(`grep: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `-5` and `-n 5` both mean five lines. */
const lineCount = (args: readonly string[]): { count: number; files: readonly string[] } => {
  const short = args.map((arg) => (/^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg));
  const { words, text } = readFlags(short, { n: { type: 'string', short: 'n' } });
  const count = Number(text('n') ?? 10);
  if (!Number.isInteger(count) || count < 0) throw new UsageError('-n takes a whole number');
  return { count, files: words };
};

const head: Command = {
  name: 'head',
  summary: 'print the first lines',
  manual: 'head [-n 10] [files…]',
  run: async (args, io, context) => {
    const { count, files } = lineCount(args);
    let printed = 0;
    if (count === 0) return 0;
    for await (const line of readLines(input(files, io, context))) {
      io.out(`${line}\n`);
      printed += 1;
      if (printed === count) break;
    }
    return 0;
  },
};

const tail: Command = {
  name: 'tail',
  summary: 'print the last lines',
  manual: 'tail [-n 10] [files…]',
  run: async (args, io, context) => {
    const { count, files } = lineCount(args);
    const kept: string[] = [];
    for await (const line of readLines(input(files, io, context))) {
      kept.push(line);
      if (kept.length > count) kept.shift();
    }
    for (const line of kept) io.out(`${line}\n`);
    return 0;
  },
};

const wc: Command = {
  name: 'wc',
  summary: 'count lines, words, characters',
  manual: 'wc [-l] [-w] [-c] [files…]',
  run: async (args, io, context) => {
    const flags = readFlags(args, {
      l: { type: 'boolean', short: 'l' },
      w: { type: 'boolean', short: 'w' },
      c: { type: 'boolean', short: 'c' },
    });
    const text = await readAll(input(flags.words, io, context));
    const counts = {
      l: text.split('\n').length - 1,
      w: text.split(/\s+/).filter(Boolean).length,
      c: Buffer.byteLength(text),
    };
    const chosen = (['l', 'w', 'c'] as const).filter((name) => flags.on(name));
    io.out(`${(chosen.length > 0 ? chosen : (['l', 'w', 'c'] as const)).map((name) => counts[name]).join(' ')}\n`);
    return 0;
  },
};

const sort: Command = {
  name: 'sort',
  summary: 'sort lines',
  manual: 'sort [-n] [-r] [-u] [files…]',
  run: async (args, io, context) => {
    const flags = readFlags(args, {
      n: { type: 'boolean', short: 'n' },
      r: { type: 'boolean', short: 'r' },
      u: { type: 'boolean', short: 'u' },
    });
    const lines = (await readAll(input(flags.words, io, context)))
      .split('\n')
      .filter((line, i, all) => line !== '' || i < all.length - 1);
    lines.sort(flags.on('n') ? (a, b) => Number.parseFloat(a) - Number.parseFloat(b) : undefined);
    if (flags.on('r')) lines.reverse();
    for (const line of flags.on('u') ? new Set(lines) : lines) io.out(`${line}\n`);
    return 0;
  },
};

const uniq: Command = {
  name: 'uniq',
  summary: 'join equal neighbours',
  manual: 'uniq [-c] [file]   -c counts them. Sort first: `… | sort | uniq -c`',
  run: async (args, io, context) => {
    const flags = readFlags(args, { c: { type: 'boolean', short: 'c' } });
    let last: string | undefined;
    let count = 0;
    const flush = (): void => {
      if (last !== undefined) io.out(flags.on('c') ? `${String(count).padStart(7)} ${last}\n` : `${last}\n`);
    };
    for await (const line of readLines(input(flags.words, io, context))) {
      if (line !== last) {
        flush();
        last = line;
        count = 0;
      }
      count += 1;
    }
    flush();
    return 0;
  },
};

const seq: Command = {
  name: 'seq',
  summary: 'count',
  manual: 'seq [first] last   For loops: for i in $(seq 1 100); do …; done',
  run: async (args, io) => {
    const numbers = args.map(Number);
    const [first, last] = numbers.length === 1 ? [1, numbers[0]] : numbers;
    if (
      first === undefined ||
      last === undefined ||
      !Number.isInteger(first) ||
      !Number.isInteger(last) ||
      last - first > 20_000
    ) {
      throw new UsageError('usage: seq [first] last   (whole numbers, at most 20000 apart)');
    }
    for (let i = first; i <= last; i++) io.out(`${i}\n`);
    return 0;
  },
};

const cp: Command = {
  name: 'cp',
  summary: 'copy a file',
  manual: 'cp from to',
  run: async (args, _io, context) => {
    const [from, to] = args;
    if (from === undefined || to === undefined) throw new UsageError('usage: cp from to');
    const text = context.files.read(from);
    if (text === undefined) throw new UsageError(`cp: ${from}: No such file or directory`);
    context.files.write(to === '.' ? (from.split('/').at(-1) ?? from) : to, text);
    return 0;
  },
  complete: (_words, context) => context.files.list(''),
};

const rm: Command = {
  name: 'rm',
  summary: 'remove a file of yours',
  manual: 'rm files…',
  run: async (args, _io, context) => {
    for (const path of args.filter((arg) => !arg.startsWith('-'))) {
      if (!context.files.remove(path)) throw new UsageError(`rm: ${path}: No such file of yours`);
    }
    return 0;
  },
  complete: (_words, context) => context.files.list(''),
};

const env: Command = {
  name: 'env',
  summary: 'print the variables of this terminal',
  manual: 'env   Set one with NAME=value; use it as $NAME.',
  run: async (_args, io) => {
    for (const [name, value] of io.variables) io.out(`${name}=${value}\n`);
    return 0;
  },
};

const sleep: Command = {
  name: 'sleep',
  summary: 'wait some seconds (at most 60)',
  manual: 'sleep 0.5   On the clock of the lab.',
  run: (args, io, context) =>
    new Promise((resolve) => {
      const timer = context.clock.after(Math.min(60, Number(args[0]) || 0) * 1000, () => resolve(0));
      io.signal.addEventListener('abort', () => {
        timer.cancel();
        resolve(130);
      });
    }),
};

const constant = (name: string, code: number): Command => ({
  name,
  summary: `exit with code ${code}`,
  manual: name,
  run: async () => code,
});

export const textCommands: readonly Command[] = [
  echo,
  cat,
  ls,
  cp,
  rm,
  grep,
  head,
  tail,
  wc,
  sort,
  uniq,
  seq,
  env,
  sleep,
  constant('true', 0),
  constant('false', 1),
];

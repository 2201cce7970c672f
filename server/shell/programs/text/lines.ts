import { type Command, type CommandIo, type ShellWorld, UsageError } from '../../command.ts';
import { onOff, readCount, value } from '../../flags.ts';
import { readAll, readLines } from '../../language/pipe.ts';
import { completeFiles, input, textFlags } from './input.ts';

export async function allLines(pipe: AsyncIterable<string>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(pipe)) lines.push(line);
  return lines;
}

interface Amount {
  readonly count: number;
  readonly unit: 'lines' | 'bytes';
  /** `+3` of tail, `-3` of head. */
  readonly sign: '' | '+' | '-';
  readonly files: readonly string[];
  readonly quiet: boolean;
}

/** What `-5`, `-n 5`, `-n5`, `-n +5` or `-c 5` ask for; ten lines when nothing is said. */
function readAmount(program: 'head' | 'tail', args: readonly string[]): Amount {
  const isValue = (index: number): boolean => /^(?:-[nc]|--lines|--bytes)$/.test(args[index - 1] ?? '');
  const plain = args.map((arg, index) => (/^-\d+$/.test(arg) && !isValue(index) ? `-n${arg.slice(1)}` : arg));
  const flags = textFlags(program, plain, {
    lines: value('n'),
    bytes: value('c'),
    quiet: onOff('q'),
    ...(program === 'tail' ? { follow: onOff('f') } : {}),
  });
  if (flags.on('follow'))
    throw new UsageError('tail: no file of this terminal grows by itself; kubectl logs -f follows a container');
  const unit = flags.text('bytes') === undefined ? 'lines' : 'bytes';
  const asked = flags.text(unit) ?? '10';
  const [, sign = '', digits = ''] = /^([-+]?)(.*)$/.exec(asked) ?? [];
  const count = readCount(digits);
  if (count === undefined) throw new UsageError(`${program}: invalid number of ${unit}: '${asked}'`);
  return {
    count,
    unit,
    sign: program === 'head' && sign === '+' ? '' : program === 'tail' && sign === '-' ? '' : (sign as Amount['sign']),
    files: flags.words,
    quiet: flags.on('quiet'),
  };
}

/** Runs a program over each file in turn; several files get a head line each. */
async function eachFile(
  amount: Amount,
  { io, world, name }: { io: CommandIo; world: ShellWorld; name: string },
  run: (pipe: AsyncIterable<string>) => Promise<void>,
): Promise<number> {
  const { files, quiet } = amount;
  if (files.length < 2) await run(input(name, files, io, world));
  else
    for (const [index, file] of files.entries()) {
      if (!quiet) io.out(`${index > 0 ? '\n' : ''}==> ${file} <==\n`);
      await run(input(name, [file], io, world));
    }
  return 0;
}

const head: Command = {
  name: 'head',
  summary: 'print the first lines',
  manual: 'head [-n 10] [-c bytes] [files…]   -n -2: all but the last two',
  run: (args, io, world) => {
    const amount = readAmount('head', args);
    const { count, unit, sign } = amount;
    return eachFile(amount, { io, world, name: 'head' }, async (pipe) => {
      if (unit === 'bytes') {
        const bytes = Buffer.from(await readAll(pipe));
        io.out(bytes.subarray(0, sign === '-' ? Math.max(0, bytes.length - count) : count).toString('utf8'));
        return;
      }
      const held: string[] = [];
      let printed = 0;
      if (count === 0 && sign === '') return;
      for await (const line of readLines(pipe)) {
        if (sign === '-') {
          held.push(line);
          if (held.length > count) io.out(`${held.shift()}\n`);
        } else {
          io.out(`${line}\n`);
          printed += 1;
          if (printed === count) break;
        }
      }
    });
  },
  complete: completeFiles,
};

const tail: Command = {
  name: 'tail',
  summary: 'print the last lines',
  manual: 'tail [-n 10] [-c bytes] [files…]   -n +2: from the second line on',
  run: (args, io, world) => {
    const amount = readAmount('tail', args);
    const { count, unit, sign } = amount;
    return eachFile(amount, { io, world, name: 'tail' }, async (pipe) => {
      if (unit === 'bytes') {
        const bytes = Buffer.from(await readAll(pipe));
        io.out(
          bytes.subarray(sign === '+' ? Math.max(0, count - 1) : Math.max(0, bytes.length - count)).toString('utf8'),
        );
        return;
      }
      const held: string[] = [];
      let number = 0;
      for await (const line of readLines(pipe)) {
        number += 1;
        if (sign !== '+') {
          held.push(line);
          if (held.length > count) held.shift();
        } else if (number >= count) io.out(`${line}\n`);
      }
      for (const line of held) io.out(`${line}\n`);
    });
  },
  complete: completeFiles,
};

const tac: Command = {
  name: 'tac',
  summary: 'print lines, the last first',
  manual: 'tac [files…]',
  run: async (args, io, world) => {
    const lines = await allLines(input('tac', textFlags('tac', args, {}).words, io, world));
    for (const line of lines.reverse()) io.out(`${line}\n`);
    return 0;
  },
  complete: completeFiles,
};

const COUNTS = ['lines', 'words', 'chars', 'bytes', 'longest'] as const;

/** Columns as GNU's: as wide as the largest number may become; a single number of a single input stands alone. */
const wc: Command = {
  name: 'wc',
  summary: 'count lines, words, bytes',
  manual: 'wc [-l] [-w] [-m] [-c] [-L] [files…]',
  run: async (args, io, world) => {
    const flags = textFlags('wc', args, {
      lines: onOff('l'),
      words: onOff('w'),
      chars: onOff('m'),
      bytes: onOff('c'),
      longest: onOff('L'),
    });
    const asked = COUNTS.filter((name) => flags.on(name));
    const chosen = asked.length > 0 ? asked : (['lines', 'words', 'bytes'] as const);
    const rows: { name: string; counts: Record<(typeof COUNTS)[number], number> }[] = [];
    for (const name of flags.words.length > 0 ? flags.words : [''])
      rows.push({ name, counts: countsOf(await readAll(input('wc', name === '' ? [] : [name], io, world))) });
    if (rows.length > 1) {
      const total = countsOf('');
      for (const { counts } of rows)
        for (const key of COUNTS)
          total[key] = key === 'longest' ? Math.max(total[key], counts[key]) : total[key] + counts[key];
      rows.push({ name: 'total', counts: total });
    }
    const bytes = rows.at(-1)?.counts.bytes ?? 0;
    const width =
      rows.length === 1 && chosen.length === 1
        ? 0
        : flags.words.length === 0 || flags.words.includes('-')
          ? 7
          : String(bytes).length;
    for (const { name, counts } of rows) {
      const numbers = chosen.map((key) => String(counts[key]).padStart(width)).join(' ');
      io.out(`${numbers}${name === '' ? '' : ` ${name}`}\n`);
    }
    return 0;
  },
  complete: completeFiles,
};

const countsOf = (text: string): Record<(typeof COUNTS)[number], number> => ({
  lines: text.split('\n').length - 1,
  words: text.split(/\s+/).filter(Boolean).length,
  chars: [...text].length,
  bytes: Buffer.byteLength(text),
  longest: text.split('\n').reduce((most, line) => Math.max(most, line.length), 0),
});

const uniq: Command = {
  name: 'uniq',
  summary: 'join equal neighbours',
  manual:
    'uniq [-c] [-d] [-u] [-i] [-f fields] [file]   -c counts them, -d prints those that repeat, -u those that do not. Sort first: `… | sort | uniq -c`',
  run: async (args, io, world) => {
    const flags = textFlags('uniq', args, {
      count: onOff('c'),
      repeated: onOff('d'),
      unique: onOff('u'),
      'ignore-case': onOff('i'),
      'skip-fields': value('f'),
    });
    const skip = readCount(flags.text('skip-fields') ?? '0');
    if (skip === undefined)
      throw new UsageError(`uniq: invalid number of fields to skip: '${flags.text('skip-fields')}'`);
    const fields = new RegExp(`^(?:[ \\t]*[^ \\t]+){0,${skip}}`);
    const keyOf = (line: string): string => {
      const rest = skip === 0 ? line : line.replace(fields, '');
      return flags.on('ignore-case') ? rest.toLowerCase() : rest;
    };
    let last: string | undefined;
    let count = 0;
    const flush = (): void => {
      if (last === undefined || (flags.on('repeated') && count < 2) || (flags.on('unique') && count > 1)) return;
      io.out(flags.on('count') ? `${String(count).padStart(7)} ${last}\n` : `${last}\n`);
    };
    for await (const line of readLines(input('uniq', flags.words, io, world))) {
      if (last === undefined || keyOf(line) !== keyOf(last)) {
        flush();
        last = line;
        count = 0;
      }
      count += 1;
    }
    flush();
    return 0;
  },
  complete: completeFiles,
};

export const lineCommands: readonly Command[] = [head, tail, tac, wc, uniq];

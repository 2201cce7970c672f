import { type Command, UsageError } from '../../command.ts';
import { readAll, readLines } from '../../language/pipe.ts';
import { completeFiles, input, lineCount, textFlags } from './input.ts';

const head: Command = {
  name: 'head',
  summary: 'print the first lines',
  manual: 'head [-n 10] [files…]',
  run: async (args, io, world) => {
    const { count, files } = lineCount('head', args);
    let printed = 0;
    if (count === 0) return 0;
    for await (const line of readLines(input('head', files, io, world))) {
      io.out(`${line}\n`);
      printed += 1;
      if (printed === count) break;
    }
    return 0;
  },
  complete: completeFiles,
};

const tail: Command = {
  name: 'tail',
  summary: 'print the last lines',
  manual: 'tail [-n 10] [files…]',
  run: async (args, io, world) => {
    const { count, files } = lineCount('tail', args);
    const lines = await allLines(input('tail', files, io, world));
    for (const line of lines.slice(Math.max(0, lines.length - count))) io.out(`${line}\n`);
    return 0;
  },
  complete: completeFiles,
};

async function allLines(pipe: AsyncIterable<string>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(pipe)) lines.push(line);
  return lines;
}

const wc: Command = {
  name: 'wc',
  summary: 'count lines, words, bytes',
  manual: 'wc [-l] [-w] [-c] [files…]',
  run: async (args, io, world) => {
    const flags = textFlags('wc', args, {
      lines: { takes: 'nothing', short: 'l' },
      words: { takes: 'nothing', short: 'w' },
      bytes: { takes: 'nothing', short: 'c' },
    });
    const text = await readAll(input('wc', flags.words, io, world));
    const counts = {
      lines: text.split('\n').length - 1,
      words: text.split(/\s+/).filter(Boolean).length,
      bytes: Buffer.byteLength(text),
    };
    const names = ['lines', 'words', 'bytes'] as const;
    const chosen = names.filter((name) => flags.on(name));
    io.out(`${(chosen.length > 0 ? chosen : names).map((name) => counts[name]).join(' ')}\n`);
    return 0;
  },
  complete: completeFiles,
};

const sort: Command = {
  name: 'sort',
  summary: 'sort lines',
  manual: 'sort [-n] [-r] [-u] [-k field] [-t separator] [files…]',
  run: async (args, io, world) => {
    const flags = textFlags('sort', args, {
      'numeric-sort': { takes: 'nothing', short: 'n' },
      reverse: { takes: 'nothing', short: 'r' },
      unique: { takes: 'nothing', short: 'u' },
      key: { takes: 'value', short: 'k' },
      'field-separator': { takes: 'value', short: 't' },
    });
    const keyOf = sortKey(flags.text('key'), flags.text('field-separator'));
    const lines = await allLines(input('sort', flags.words, io, world));
    const number = (line: string): number => Number.parseFloat(line) || 0;
    const byKey = (a: string, b: string): number =>
      flags.on('numeric-sort') ? number(keyOf(a)) - number(keyOf(b)) : compare(keyOf(a), keyOf(b));
    lines.sort((a, b) => byKey(a, b) || compare(a, b));
    if (flags.on('reverse')) lines.reverse();
    for (const line of flags.on('unique') ? new Set(lines) : lines) io.out(`${line}\n`);
    return 0;
  },
  complete: completeFiles,
};

/** `-k 2`, `-k2,2`, `-k 3nr`: from that field to the end of the line, or to the last field named. */
function sortKey(key: string | undefined, separator: string | undefined): (line: string) => string {
  if (key === undefined) return (line) => line;
  const [, from, to] = /^(\d+)[a-z]*(?:,(\d+)[a-z]*)?$/.exec(key) ?? [];
  if (from === undefined || Number(from) < 1)
    throw new UsageError(`sort: invalid number at field start: invalid count at start of '${key}'`, 2);
  const split = (line: string): string[] =>
    separator === undefined ? line.trim().split(/\s+/) : line.split(separator);
  return (line) =>
    split(line)
      .slice(Number(from) - 1, to === undefined ? undefined : Number(to))
      .join(separator ?? ' ');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const uniq: Command = {
  name: 'uniq',
  summary: 'join equal neighbours',
  manual: 'uniq [-c] [file]   -c counts them. Sort first: `… | sort | uniq -c`',
  run: async (args, io, world) => {
    const flags = textFlags('uniq', args, { count: { takes: 'nothing', short: 'c' } });
    let last: string | undefined;
    let count = 0;
    const flush = (): void => {
      if (last !== undefined) io.out(flags.on('count') ? `${String(count).padStart(7)} ${last}\n` : `${last}\n`);
    };
    for await (const line of readLines(input('uniq', flags.words, io, world))) {
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
  complete: completeFiles,
};

export const lineCommands: readonly Command[] = [head, tail, wc, sort, uniq];

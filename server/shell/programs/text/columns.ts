import { type Command, UsageError } from '../../command.ts';
import { onOff, value } from '../../flags.ts';
import { readLines } from '../../language/pipe.ts';
import { completeFiles, input, textFlags } from './input.ts';
import { allLines } from './lines.ts';

/** `1,3-5,7-`: whether a place belongs to a list. */
function readList(text: string, what: 'fields' | 'characters'): (place: number) => boolean {
  const ranges = text.split(',').map((part) => {
    const [, from, dash, to] = /^(\d*)(-?)(\d*)$/.exec(part) ?? [];
    const first = from === '' ? 1 : Number(from);
    const last = dash === '' ? first : to === '' ? Number.POSITIVE_INFINITY : Number(to);
    if (from === undefined || (from === '' && to === '') || first < 1)
      throw new UsageError(
        part === '0' || from === '0'
          ? `cut: ${what === 'fields' ? 'fields' : 'byte/character positions'} are numbered from 1`
          : `cut: invalid field value '${part}'`,
      );
    if (last < first) throw new UsageError('cut: invalid decreasing range');
    return { first, last };
  });
  return (place) => ranges.some(({ first, last }) => place >= first && place <= last);
}

/** Source: POSIX, cut; with GNU's --complement and --output-delimiter. */
const cut: Command = {
  name: 'cut',
  summary: 'print columns of each line',
  manual: 'cut -d <character> -f <list> [-s] [files…]   cut -c <list>   Lists are like 2 or 1,3-5 or 2-',
  run: async (args, io, world) => {
    const flags = textFlags('cut', args, {
      delimiter: value('d'),
      fields: value('f'),
      characters: value('c'),
      bytes: value('b'),
      'only-delimited': onOff('s'),
      complement: onOff(),
      'output-delimiter': value(),
    });
    const characters = flags.text('characters') ?? flags.text('bytes');
    const fields = flags.text('fields');
    if (characters === undefined && fields === undefined)
      throw new UsageError('cut: you must specify a list of bytes, characters, or fields');
    if (characters !== undefined && fields !== undefined) throw new UsageError('cut: only one list may be specified');
    const listed = readList(characters ?? fields ?? '', characters === undefined ? 'fields' : 'characters');
    const isIn = (place: number): boolean => listed(place) !== flags.on('complement');
    const delimiter = flags.text('delimiter') ?? '\t';
    if ([...delimiter].length !== 1) throw new UsageError('cut: the delimiter must be a single character');
    const joiner = flags.text('output-delimiter') ?? (characters === undefined ? delimiter : '');
    for await (const line of readLines(input('cut', flags.words, io, world))) {
      const parts = characters === undefined ? line.split(delimiter) : [...line];
      const bare = characters === undefined && parts.length === 1;
      if (bare && flags.on('only-delimited')) continue;
      io.out(`${bare ? line : parts.filter((_part, index) => isIn(index + 1)).join(joiner)}\n`);
    }
    return 0;
  },
  complete: completeFiles,
};

/** Source: POSIX, paste. */
const paste: Command = {
  name: 'paste',
  summary: 'join lines side by side',
  manual: 'paste [-s] [-d characters] [files…]   paste -sd, joins all lines with commas',
  run: async (args, io, world) => {
    const flags = textFlags('paste', args, { serial: onOff('s'), delimiters: value('d') });
    const delimiters = [
      ...(flags.text('delimiters') ?? '\t').replaceAll('\\n', '\n').replaceAll('\\t', '\t').replaceAll('\\0', ''),
    ];
    const between = (index: number): string => delimiters[index % delimiters.length] ?? '';
    const join = (parts: readonly string[]): string =>
      parts.map((part, index) => (index === 0 ? part : between(index - 1) + part)).join('');
    const names = flags.words.length === 0 ? ['-'] : flags.words;
    if (flags.on('serial')) {
      for (const name of names) io.out(`${join(await allLines(input('paste', [name], io, world)))}\n`);
      return 0;
    }
    // `paste - -` deals the lines of standard input out to its columns.
    const own = names.filter((name) => name === '-').length;
    const standard = own > 0 ? await allLines(input('paste', ['-'], io, world)) : [];
    let dealt = 0;
    const columns: string[][] = [];
    for (const name of names) {
      if (name !== '-') columns.push(await allLines(input('paste', [name], io, world)));
      else {
        const place = dealt++;
        columns.push(standard.filter((_line, index) => index % own === place));
      }
    }
    const rows = Math.max(...columns.map((column) => column.length));
    for (let row = 0; row < rows; row++) io.out(`${join(columns.map((column) => column[row] ?? ''))}\n`);
    return 0;
  },
  complete: completeFiles,
};

const column: Command = {
  name: 'column',
  summary: 'set fields in columns',
  manual: 'column -t [-s separators] [-o text] [files…]',
  run: async (args, io, world) => {
    const flags = textFlags('column', args, {
      table: onOff('t'),
      separator: value('s'),
      'output-separator': value('o'),
    });
    const lines = (await allLines(input('column', flags.words, io, world))).filter((line) => line.trim() !== '');
    if (!flags.on('table')) {
      for (const line of lines) io.out(`${line}\n`);
      return 0;
    }
    const separators = flags.text('separator')?.replaceAll('\\t', '\t');
    const rows = lines.map((line) => fieldsOf(line, separators));
    const widths: number[] = [];
    for (const row of rows)
      for (const [index, field] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, field.length);
    const gap = flags.text('output-separator') ?? '  ';
    for (const row of rows)
      io.out(
        `${row.map((field, index) => (index === row.length - 1 ? field : field.padEnd(widths[index] ?? 0))).join(gap)}\n`,
      );
    return 0;
  },
  complete: completeFiles,
};

/** Blanks in a row part two fields; a separator of the user's own does so each time. */
function fieldsOf(line: string, separators: string | undefined): string[] {
  if (separators === undefined) return line.trim().split(/[ \t]+/);
  const fields: string[] = [''];
  for (const char of line) {
    if (separators.includes(char)) fields.push('');
    else fields[fields.length - 1] += char;
  }
  return fields;
}

const nl: Command = {
  name: 'nl',
  summary: 'number lines',
  manual: 'nl [-b a] [files…]   Blank lines are numbered with -b a only.',
  run: async (args, io, world) => {
    const flags = textFlags('nl', args, { 'body-numbering': value('b') });
    let number = 0;
    for await (const line of readLines(input('nl', flags.words, io, world))) {
      if (line === '' && flags.text('body-numbering') !== 'a') io.out('       \n');
      else io.out(`${String(++number).padStart(6)}\t${line}\n`);
    }
    return 0;
  },
  complete: completeFiles,
};

export const columnCommands: readonly Command[] = [cut, paste, column, nl];

import { RE2JS } from 're2js';
import { type Command, type CommandIo, type ShellWorld, UsageError } from '../../command.ts';
import { type FlagSpec, type Flags, many, onOff, readCount, value } from '../../flags.ts';
import { readLines, textPipe } from '../../language/pipe.ts';
import { compilePattern } from '../regex/posix.ts';
import { Work } from '../regex/work.ts';
import { Around } from './grep-around.ts';
import { completeFiles, readFile, textFlags } from './input.ts';

const FLAGS: FlagSpec = {
  'ignore-case': onOff('i'),
  'invert-match': onOff('v'),
  count: onOff('c'),
  'only-matching': onOff('o'),
  'line-number': onOff('n'),
  'word-regexp': onOff('w'),
  'line-regexp': onOff('x'),
  quiet: onOff('q'),
  'no-messages': onOff('s'),
  'files-with-matches': onOff('l'),
  'files-without-match': onOff('L'),
  'with-filename': onOff('H'),
  'no-filename': onOff('h'),
  recursive: onOff('r'),
  'fixed-strings': onOff('F'),
  'extended-regexp': onOff('E'),
  'basic-regexp': onOff('G'),
  'perl-regexp': onOff('P'),
  'line-buffered': onOff(),
  color: onOff(),
  colour: onOff(),
  'max-count': value('m'),
  'after-context': value('A'),
  'before-context': value('B'),
  context: value('C'),
  regexp: many('e'),
  file: many('f'),
};

export const grep: Command = {
  name: 'grep',
  summary: 'print the lines that match',
  manual: `grep [-i] [-v] [-c] [-o] [-q] [-n] [-w] [-x] [-l] [-L] [-r] [-h] [-H] [-m count] [-A lines] [-B lines] [-C lines] [-e pattern]… [-f file] pattern [files…]
Patterns are POSIX's basic ones, in which + ? | ( ) { } are plain characters and get their meaning from a backslash: grep 'v1\\|v2'.
-E extended ones: grep -E 'v1|v2', -P those of RE2, with \\d, -F plain text. No \\1 in a pattern.`,
  run: async (args, io, world) => {
    const flags = textFlags(
      'grep',
      args.map((arg) => arg.replace(/^--colou?r=.*$/, '--color')),
      FLAGS,
    );
    const { pattern, files } = readPattern(flags, world);
    const search = new Search(flags, compile(pattern, flags), io);
    const named = flags.on('recursive') ? below(files, world) : files;
    const withName =
      (named.length > 1 || flags.on('recursive') || flags.on('with-filename')) && !flags.on('no-filename');
    let [found, failed] = [false, false];
    for (const file of named.length === 0 ? ['-'] : named) {
      if (file !== '-' && world.files.read(file) === undefined) {
        if (!flags.on('no-messages')) io.err(`grep: ${file}: No such file or directory\n`);
        failed = true;
        continue;
      }
      const name = file === '-' ? '(standard input)' : file;
      const lines = readLines(file === '-' ? io.stdin : textPipe(readFile('grep', file, world)));
      const count = await search.file(lines, { name, prefix: withName ? name : '' });
      if (count === undefined) return 130;
      found ||= count > 0;
      if (found && flags.on('quiet')) return 0;
    }
    return failed ? 2 : found ? 0 : 1;
  },
  complete: (words, world) => (words.length <= 1 ? [] : completeFiles(words, world)),
};

function readPattern(flags: Flags, world: ShellWorld): { pattern: readonly string[]; files: readonly string[] } {
  const fromFiles = flags.all('file').flatMap((path) => readFile('grep', path, world).replace(/\n$/, '').split('\n'));
  const given = [...flags.all('regexp'), ...fromFiles];
  const [pattern, ...files] = given.length > 0 ? [given.join('\n'), ...flags.words] : flags.words;
  if (pattern === undefined) throw new UsageError('usage: grep [-ivcoqnwEF] pattern [files…]', 2);
  // Each line of a pattern is one of its own.
  return { pattern: pattern.split('\n'), files };
}

const below = (folders: readonly string[], { files }: ShellWorld): string[] =>
  (folders.length === 0 ? [''] : folders).flatMap((folder) => {
    if (folder !== '' && files.read(folder) !== undefined) return [folder];
    return folder === '.' ? files.list('').map((file) => `./${file}`) : files.list(folder);
  });

/** Searches files one after the other. */
class Search {
  readonly #flags: Flags;
  readonly #pattern: RE2JS;
  readonly #io: CommandIo;
  readonly #work = new Work('grep');
  readonly #most: number;
  constructor(flags: Flags, pattern: RE2JS, io: CommandIo) {
    this.#flags = flags;
    this.#pattern = pattern;
    this.#io = io;
    const most = flags.text('max-count');
    const count = most === undefined ? Number.POSITIVE_INFINITY : readCount(most);
    if (count === undefined) throw new UsageError('grep: invalid max count', 2);
    this.#most = count;
  }

  /** How many lines match; undefined after Ctrl+C. */
  async file(
    lines: AsyncIterable<string>,
    { name, prefix }: { name: string; prefix: string },
  ): Promise<number | undefined> {
    const flags = this.#flags;
    const { out } = this.#io;
    const lists = flags.on('files-with-matches') || flags.on('files-without-match');
    const around = new Around(flags, prefix, out);
    let [count, number] = [0, 0];
    for await (const line of lines) {
      number += 1;
      if (count >= this.#most) {
        if (!around.open) break;
        around.beside(line, number);
        continue;
      }
      this.#work.search(this.#pattern, line);
      if (this.#work.due && !(await this.#work.turn(this.#io))) return undefined;
      const found = this.#pattern.matcher(line);
      if (found.find() === flags.on('invert-match')) {
        around.beside(line, number);
        continue;
      }
      count += 1;
      if (flags.on('quiet') || lists) break;
      if (flags.on('count')) continue;
      const mark = `${prefix === '' ? '' : `${prefix}:`}${flags.on('line-number') ? `${number}:` : ''}`;
      if (!flags.on('only-matching')) around.found(line, number);
      else if (!flags.on('invert-match'))
        do if (found.end() > found.start()) out(`${mark}${line.slice(found.start(), found.end())}\n`);
        while (found.find());
    }
    if (lists) {
      if (count > 0 === flags.on('files-with-matches')) out(`${name}\n`);
    } else if (flags.on('count') && !flags.on('quiet')) out(`${prefix === '' ? '' : `${prefix}:`}${count}\n`);
    return count;
  }
}

function compile(patterns: readonly string[], flags: Flags): RE2JS {
  const dialect = flags.on('perl-regexp') ? 're2' : flags.on('extended-regexp') ? 'extended' : 'basic';
  const around = (): readonly [string, string] | undefined => {
    if (flags.on('line-regexp')) return ['^(?:', ')$'];
    return flags.on('word-regexp') ? ['\\b(?:', ')\\b'] : undefined;
  };
  const ignoreCase = flags.on('ignore-case');
  const [before, after] = around() ?? ['', ''];
  try {
    const sources = patterns.map((pattern) =>
      flags.on('fixed-strings') ? RE2JS.quote(pattern) : compilePattern(pattern, { dialect }).pattern(),
    );
    return compilePattern(`${before}${sources.map((source) => `(?:${source})`).join('|')}${after}`, {
      dialect: 're2',
      ignoreCase,
      longest: dialect !== 're2',
    });
  } catch (error) {
    throw new UsageError(`grep: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
}

import { RE2JS } from 're2js';
import { type Command, UsageError } from '../../command.ts';
import { type Flags, readCount } from '../../flags.ts';
import { nextTurn, readLines } from '../../language/pipe.ts';
import { completeFiles, input, textFlags } from './input.ts';

const MAX_PATTERN = 1000;
/** Steps that one line may cost: its length times the states of the pattern. */
const MAX_LINE_COST = 200_000_000;
/** Steps after which the event loop gets its turn. */
const COST_A_TURN = 5_000_000;

export const grep: Command = {
  name: 'grep',
  summary: 'print the lines that match',
  manual:
    'grep [-i] [-v] [-c] [-o] [-q] [-n] [-w] [-E] [-F] [-A lines] [-B lines] [-C lines] pattern [files…]   Patterns are RE2.',
  run: async (args, io, world) => {
    const flags = textFlags('grep', args, {
      'ignore-case': { takes: 'nothing', short: 'i' },
      'invert-match': { takes: 'nothing', short: 'v' },
      count: { takes: 'nothing', short: 'c' },
      'only-matching': { takes: 'nothing', short: 'o' },
      'line-number': { takes: 'nothing', short: 'n' },
      'word-regexp': { takes: 'nothing', short: 'w' },
      quiet: { takes: 'nothing', short: 'q' },
      'fixed-strings': { takes: 'nothing', short: 'F' },
      'extended-regexp': { takes: 'nothing', short: 'E' },
      'perl-regexp': { takes: 'nothing', short: 'P' },
      'after-context': { takes: 'value', short: 'A' },
      'before-context': { takes: 'value', short: 'B' },
      context: { takes: 'value', short: 'C' },
      regexp: { takes: 'many', short: 'e' },
    });
    const around = new Around(flags, io.out);
    const patterns = flags.all('regexp');
    const [pattern, ...files] = patterns.length > 0 ? [patterns.join('|'), ...flags.words] : flags.words;
    if (pattern === undefined) throw new UsageError('usage: grep [-ivcoqnwEF] pattern [files…]', 2);
    const fixed = flags.on('fixed-strings');
    const matcher = compile(pattern, { fixed, ignoreCase: flags.on('ignore-case'), word: flags.on('word-regexp') });
    const states = matcher.programSize();
    let count = 0;
    let number = 0;
    let cost = 0;
    for await (const line of readLines(input('grep', files, io, world))) {
      number += 1;
      cost += line.length * states;
      if (line.length * states > MAX_LINE_COST) throw new UsageError('grep: the line is too long for this pattern', 2);
      if (cost > COST_A_TURN) {
        cost = 0;
        await nextTurn();
        if (io.signal.aborted) return 130;
      }
      const found = matcher.matcher(line);
      if (found.find() === flags.on('invert-match')) {
        around.beside(line, number);
        continue;
      }
      count += 1;
      if (flags.on('quiet')) return 0;
      if (flags.on('count')) continue;
      const mark = flags.on('line-number') ? `${number}:` : '';
      if (!flags.on('only-matching')) around.found(line, number);
      else if (!flags.on('invert-match'))
        do if (found.group() !== '') io.out(`${mark}${found.group()}\n`);
        while (found.find());
    }
    if (flags.on('count')) io.out(`${count}\n`);
    return count > 0 ? 0 : 1;
  },
  complete: (words, world) => (words.length <= 1 ? [] : completeFiles(words, world)),
};

/** Prints lines that match, with those before and after them (`-A`, `-B`, `-C`), and `--` where lines are left out, as grep does. */
class Around {
  readonly #after: number;
  readonly #before: number;
  readonly #numbered: boolean;
  readonly #out: (text: string) => void;
  #waiting: string[] = [];
  #toPrint = 0;
  #printed = 0;

  constructor(flags: Flags, out: (text: string) => void) {
    // -c and -o show no lines around.
    const shows = !flags.on('count') && !flags.on('only-matching');
    const lines = (name: string): number => {
      const text = flags.text(name) ?? flags.text('context') ?? '0';
      const asked = readCount(text);
      if (asked === undefined) throw new UsageError(`grep: ${text}: invalid context length argument`, 2);
      return shows ? asked : 0;
    };
    this.#after = lines('after-context');
    this.#before = lines('before-context');
    this.#numbered = flags.on('line-number');
    this.#out = out;
  }

  found(line: string, number: number): void {
    const first = number - this.#waiting.length;
    if (this.#after + this.#before > 0 && this.#printed > 0 && first > this.#printed + 1) this.#out('--\n');
    for (const [index, earlier] of this.#waiting.entries()) this.#print(earlier, first + index, '-');
    this.#waiting = [];
    this.#print(line, number, ':');
    this.#toPrint = this.#after;
  }

  beside(line: string, number: number): void {
    if (this.#toPrint > 0) {
      this.#toPrint -= 1;
      this.#print(line, number, '-');
    } else if (this.#before > 0) {
      this.#waiting.push(line);
      if (this.#waiting.length > this.#before) this.#waiting.shift();
    }
  }

  #print(line: string, number: number, sign: ':' | '-'): void {
    this.#out(`${this.#numbered ? `${number}${sign}` : ''}${line}\n`);
    this.#printed = number;
  }
}

function compile(pattern: string, how: { fixed: boolean; ignoreCase: boolean; word: boolean }): RE2JS {
  if (pattern.length > MAX_PATTERN) throw new UsageError(`grep: a pattern has at most ${MAX_PATTERN} characters`, 2);
  // In basic patterns, as grep reads them, \| is the alternative.
  const source = how.fixed ? RE2JS.quote(pattern) : pattern.replaceAll('\\|', '|');
  try {
    return RE2JS.compile(how.word ? `\\b(?:${source})\\b` : source, how.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    throw new UsageError(`grep: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
}

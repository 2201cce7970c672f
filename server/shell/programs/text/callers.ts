import { type Command, type CommandIo, UsageError } from '../../command.ts';
import { onOff, readSeconds, value } from '../../flags.ts';
import { readAll } from '../../language/pipe.ts';
import { textFlags } from './input.ts';

const MAX_CALLS = 1000;
/** What GNU's xargs gives for commands that failed, and for one that is not there. */
const EXIT_SOME_FAILED = 123;
const EXIT_NOT_FOUND = 127;
const EXIT_TIMED_OUT = 124;

/** The first word that is no flag begins the command that is to be run. */
function commandAt(args: readonly string[], withValue: RegExp): number {
  let at = 0;
  while (/^-./.test(args[at] ?? '') && args[at] !== '--') at += withValue.test(args[at] ?? '') ? 2 : 1;
  return at;
}

/** Source: POSIX, xargs; with GNU's -d, -0, -r and -P. */
const xargs: Command = {
  name: 'xargs',
  summary: 'run a command with words of the input as its arguments',
  manual: `xargs [-n words] [-I {}] [-d separator] [-0] [-r] [-t] [command…]
  kubectl get pods -o name | xargs -n 1 kubectl describe
  seq 3 | xargs -I {} echo "request {}"     one call a line, with the line in place of {}`,
  run: async (args, io) => {
    const start = commandAt(args, /^-[nIdLPsE]$|^--(?:max-args|replace|delimiter|max-procs|max-lines)$/);
    const flags = textFlags('xargs', args.slice(0, start), {
      'max-args': value('n'),
      'max-lines': value('L'),
      replace: value('I'),
      delimiter: value('d'),
      null: onOff('0'),
      'no-run-if-empty': onOff('r'),
      verbose: onOff('t'),
      'max-procs': value('P'),
    });
    const command = args.slice(args[start] === '--' ? start + 1 : start);
    const words = command.length === 0 ? ['echo'] : command;
    const given = await readAll(io.stdin);
    const replace = flags.text('replace');
    const items = itemsOf(given, {
      separator: flags.on('null')
        ? '\0'
        : flags.text('delimiter')?.replace('\\n', '\n').replace('\\t', '\t').replace('\\0', '\0'),
      byLine: replace !== undefined || flags.text('max-lines') !== undefined,
    });
    const most = Number(flags.text('max-args') ?? flags.text('max-lines') ?? Number.POSITIVE_INFINITY);
    if (!(most >= 1)) throw new UsageError('xargs: -n: a number of at least 1 is needed');
    const calls: string[][] =
      replace === undefined
        ? batches(items, most).map((batch) => [...words, ...batch])
        : items.map((item) => words.map((word) => word.replaceAll(replace, item)));
    // Without any word the command is run once, unless -r or -I is given.
    if (items.length === 0 && replace === undefined && !flags.on('no-run-if-empty')) calls.push([...words]);
    return callAll(calls, io, flags.on('verbose'));
  },
};

async function callAll(calls: readonly (readonly string[])[], io: CommandIo, verbose: boolean): Promise<number> {
  if (calls.length > MAX_CALLS) throw new UsageError(`xargs: at most ${MAX_CALLS} calls`);
  let code = 0;
  for (const call of calls) {
    if (io.signal.aborted) return 130;
    if (verbose) io.err(`${call.join(' ')}\n`);
    const one = await io.call(call, { stdin: '' });
    if (one === EXIT_NOT_FOUND) return EXIT_NOT_FOUND;
    if (one !== 0) code = EXIT_SOME_FAILED;
  }
  return io.signal.aborted ? 130 : code;
}

function itemsOf(text: string, { separator, byLine }: { separator: string | undefined; byLine: boolean }): string[] {
  if (separator !== undefined) {
    const items = text.split(separator);
    if (items.at(-1) === '') items.pop();
    return items;
  }
  if (byLine)
    return text
      .split('\n')
      .map((line) => line.replace(/^[ \t]+/, ''))
      .filter((line) => line !== '');
  // Quotes and backslashes keep blanks in a word.
  return [...text.matchAll(/(?:"[^"\n]*"|'[^'\n]*'|\\[\s\S]|[^\s"'\\])+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'|\\([\s\S])/g, (_whole, a?: string, b?: string, c?: string) => a ?? b ?? c ?? ''),
  );
}

function batches(items: readonly string[], most: number): string[][] {
  if (!Number.isFinite(most)) return items.length === 0 ? [] : [[...items]];
  return Array.from({ length: Math.ceil(items.length / most) }, (_, i) => items.slice(i * most, (i + 1) * most));
}

const timeout: Command = {
  name: 'timeout',
  summary: 'run a command, and stop it after some seconds',
  manual: 'timeout 10 command…   Exit code 124 when the time was up; 30s and 1m are read, too.',
  run: async (args, io, world) => {
    const start = commandAt(args, /^-[sk]$|^--(?:signal|kill-after)$/);
    const [seconds = '', ...command] = args.slice(start);
    const ms = readSeconds(seconds);
    if (ms === undefined) throw new UsageError(`timeout: invalid time interval '${seconds}'`, 125);
    if (command.length === 0) throw new UsageError('usage: timeout seconds command…', 125);
    const stop = new AbortController();
    const timer = ms > 0 ? world.clock.after(ms, () => stop.abort()) : undefined;
    const code = await io.call(command, { signal: AbortSignal.any([io.signal, stop.signal]) });
    timer?.cancel();
    return stop.signal.aborted && !io.signal.aborted ? EXIT_TIMED_OUT : code;
  },
};

/** Prints the variables, or runs a command with some more. */
const env: Command = {
  name: 'env',
  summary: 'print the variables of this terminal, or run a command with more of them',
  manual: 'env [NAME=value…] [command…]   Set one with NAME=value; use it as $NAME.',
  run: async (args, io) => {
    const end = args.findIndex((arg) => !/^[A-Za-z_]\w*=/.test(arg));
    const assigned = (end < 0 ? args : args.slice(0, end)).map((arg) => {
      const at = arg.indexOf('=');
      return [arg.slice(0, at), arg.slice(at + 1)] as const;
    });
    if (end >= 0) return io.call(args.slice(end), { variables: new Map(assigned) });
    for (const [name, text] of new Map([...io.variables, ...assigned])) io.out(`${name}=${text}\n`);
    return 0;
  },
};

const printenv: Command = {
  name: 'printenv',
  summary: 'print variables',
  manual: 'printenv [names…]',
  run: async (args, io) => {
    if (args.length === 0) for (const [name, text] of io.variables) io.out(`${name}=${text}\n`);
    for (const name of args) {
      const text = io.variables.get(name);
      if (text !== undefined) io.out(`${text}\n`);
    }
    return args.every((name) => io.variables.has(name)) ? 0 : 1;
  },
};

/** Commands that run other commands, or show what those see. */
export const callerCommands: readonly Command[] = [xargs, timeout, env, printenv];

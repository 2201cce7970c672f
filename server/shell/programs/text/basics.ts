import { type Command, UsageError } from '../../command.ts';
import { nextTurn } from '../../language/pipe.ts';

const MAX_SLEEP_S = 60;
const MAX_SEQ = 20_000;

const echo: Command = {
  name: 'echo',
  summary: 'print words',
  manual: 'echo [-n] [-e] words…   -n: no line end; -e: \\n and \\t are read.',
  run: async (args, io) => {
    const from = args.findIndex((arg) => !/^-[neE]+$/.test(arg));
    const options = (from < 0 ? args : args.slice(0, from)).join('');
    const text = from < 0 ? '' : args.slice(from).join(' ');
    io.out(options.includes('e') ? text.replace(/\\n/g, '\n').replace(/\\t/g, '\t') : text);
    if (!options.includes('n')) io.out('\n');
    return 0;
  },
};

const seq: Command = {
  name: 'seq',
  summary: 'count',
  manual: 'seq [first [step]] last   For loops: for i in $(seq 1 100); do …; done',
  run: async (args, io) => {
    const numbers = args.map(Number);
    const [first, step, last] =
      numbers.length === 1 ? [1, 1, numbers[0]] : numbers.length === 2 ? [numbers[0], 1, numbers[1]] : numbers;
    const whole = [first, step, last].every((each) => Number.isSafeInteger(each));
    if (!whole || first === undefined || last === undefined || !step || numbers.length > 3)
      throw new UsageError('usage: seq [first [step]] last   (whole numbers)');
    if ((last - first) / step >= MAX_SEQ) throw new UsageError(`seq: at most ${MAX_SEQ} numbers`);
    for (let i = first; step > 0 ? i <= last : i >= last; i += step) io.out(`${i}\n`);
    return 0;
  },
};

/** Lines that `yes` writes before the event loop gets its turn. */
const YES_A_TURN = 500;

const yes: Command = {
  name: 'yes',
  summary: 'print a line without end',
  manual: 'yes [text]   Until Ctrl+C, or until what it is piped into has enough: yes | head -n 3',
  run: async (args, io) => {
    const lines = `${args.join(' ') || 'y'}\n`.repeat(YES_A_TURN);
    while (!io.signal.aborted) {
      io.out(lines);
      await nextTurn();
    }
    return 130;
  },
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
  summary: `wait some seconds (at most ${MAX_SLEEP_S})`,
  manual: 'sleep 0.5   On the clock of the lab.',
  run: async (args, io, world) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?)([sm]?)$/.exec(args[0] ?? '') ?? [];
    if (number === undefined) throw new UsageError(`sleep: invalid time interval '${args[0] ?? ''}'`);
    const seconds = Math.min(MAX_SLEEP_S, Number(number) * (unit === 'm' ? 60 : 1));
    return new Promise((resolve) => {
      const timer = world.clock.after(seconds * 1000, () => resolve(0));
      const stop = (): void => {
        timer.cancel();
        resolve(130);
      };
      if (io.signal.aborted) stop();
      else io.signal.addEventListener('abort', stop, { once: true });
    });
  },
};

const constant = (name: string, code: number): Command => ({
  name,
  summary: `exit with code ${code}`,
  manual: name,
  run: async () => code,
});

export const basicCommands: readonly Command[] = [
  echo,
  seq,
  yes,
  env,
  sleep,
  constant('true', 0),
  constant('false', 1),
];

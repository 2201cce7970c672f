import { type Command, UsageError } from '../../command.ts';
import { nextTurn } from '../../language/pipe.ts';
import { formatDate } from './date-format.ts';
import { format, unescape } from './printf-format.ts';

const MAX_SLEEP_S = 60;
const MAX_SEQ = 20_000;
const MAX_PRINTED = 1_048_576;
const UNITS_MS: Readonly<Record<string, number>> = {
  second: 1000,
  sec: 1000,
  minute: 60_000,
  min: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

const echo: Command = {
  name: 'echo',
  summary: 'print words',
  manual: 'echo [-n] [-e] words…   -n: no line end; -e: \\n, \\t and other escapes are read.',
  run: async (args, io) => {
    const from = args.findIndex((arg) => !/^-[neE]+$/.test(arg));
    const options = (from < 0 ? args : args.slice(0, from)).join('');
    const text = from < 0 ? '' : args.slice(from).join(' ');
    const read = /e[^E]*$/.test(options) ? unescape(text, 'echo') : { text, stop: false };
    io.out(options.includes('n') || read.stop ? read.text : `${read.text}\n`);
    return 0;
  },
};

/** Source: POSIX, printf. */
const printf: Command = {
  name: 'printf',
  summary: 'print words after a format',
  manual:
    "printf format words…   printf '%-20s %5.1f\\n' cart 0.25 · %s text, %d number, %x hexadecimal, %q quoted; the format is used again until no word is left.",
  run: async (args, io) => {
    const [template, ...words] = args[0] === '--' ? args.slice(1) : args;
    if (template === undefined) throw new UsageError('printf: usage: printf format [arguments]', 2);
    let code = 0;
    let at = 0;
    const wrong = (word: string): number => {
      io.err(`printf: ${word}: invalid number\n`);
      code = 1;
      return Number.parseFloat(word) || 0;
    };
    const next = (): string | undefined => words[at++];
    const number = (): number | undefined => {
      const word = next();
      if (word === undefined || word === '') return undefined;
      if (/^["']./.test(word)) return word.codePointAt(1);
      const value = /^[-+]?0[0-7]+$/.test(word) ? Number.parseInt(word, 8) : Number(word);
      return Number.isNaN(value) ? wrong(word) : value;
    };
    // Backslashes of the format are read before the words come in.
    const { text, stop } = unescape(template);
    let printed = 0;
    do {
      const before = at;
      let piece: string;
      try {
        piece = format(text, { text: next, number });
      } catch (error) {
        throw new UsageError(`printf: ${error instanceof Error ? error.message : String(error)}`);
      }
      printed += piece.length;
      if (printed > MAX_PRINTED) throw new UsageError('printf: at most 1 MiB');
      io.out(piece);
      if (at === before) break;
    } while (at < words.length && !stop);
    return code;
  },
};

const date: Command = {
  name: 'date',
  summary: 'the time of the lab',
  manual:
    "date [-u] [+format] [-d time]   date +%s · date -u +%Y-%m-%dT%H:%M:%SZ · date -d '5 minutes ago' · date -d @1700000000   In UTC.",
  run: async (args, io, { clock }) => {
    let pattern = '%a %b %e %H:%M:%S %Z %Y';
    let atMs = clock.now();
    for (let at = 0; at < args.length; at++) {
      const arg = args[at] ?? '';
      const [, attached] = /^(?:-d|--date=)(.+)$/s.exec(arg) ?? [];
      if (arg === '-d' || arg === '--date') atMs = readDate(args[++at] ?? '', clock.now());
      else if (attached !== undefined) atMs = readDate(attached, clock.now());
      else if (/^\+/.test(arg)) pattern = arg.slice(1);
      else if (/^(?:-I|--iso-8601)(?:=?date)?$/.test(arg)) pattern = '%Y-%m-%d';
      else if (/^(?:-I|--iso-8601=)s(?:econds)?$/.test(arg)) pattern = '%Y-%m-%dT%H:%M:%S+00:00';
      else if (arg === '-R' || arg === '--rfc-email') pattern = '%a, %d %b %Y %H:%M:%S %z';
      else if (!/^(?:-u|--utc|--universal)$/.test(arg)) throw new UsageError(`date: invalid date '${arg}'`);
    }
    io.out(`${formatDate(pattern, atMs)}\n`);
    return 0;
  },
};

/** `@1700000000`, `now`, `5 minutes ago`, `+2 hours`, `yesterday`, or a date as ISO 8601 writes it, in UTC. */
function readDate(text: string, nowMs: number): number {
  const words = text.trim();
  const [, seconds] = /^@(-?\d{1,12}(?:\.\d+)?)$/.exec(words) ?? [];
  if (seconds !== undefined) return Number(seconds) * 1000;
  if (words === 'now' || words === 'today' || words === '') return nowMs;
  if (words === 'yesterday' || words === 'tomorrow') return nowMs + (words === 'tomorrow' ? 86_400_000 : -86_400_000);
  const [, count, unit = '', ago] = /^([-+]?\d{1,9})\s*([a-z]+?)s?(\s+ago)?$/i.exec(words) ?? [];
  const unitMs = UNITS_MS[unit.toLowerCase()];
  if (count !== undefined && unitMs !== undefined) return nowMs + Number(count) * unitMs * (ago === undefined ? 1 : -1);
  const plain = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?$/.test(words);
  const atMs = Date.parse(plain ? `${words.replace(' ', 'T')}${/\d\d:\d\d/.test(words) ? '' : 'T00:00:00'}Z` : words);
  if (Number.isNaN(atMs)) throw new UsageError(`date: invalid date '${text}'`);
  return atMs;
}

const seq: Command = {
  name: 'seq',
  summary: 'count',
  manual: 'seq [-s separator] [-w] [first [step]] last   For loops: for i in $(seq 1 100); do …; done',
  run: async (args, io) => {
    const wide = args.includes('-w');
    const at = args.findIndex((arg) => /^-s/.test(arg));
    const separator = at < 0 ? '\n' : ((args[at]?.slice(2) || args[at + 1]) ?? '\n');
    const own = args.filter(
      (arg, index) => arg !== '-w' && !(at >= 0 && (index === at || (index === at + 1 && args[at] === '-s'))),
    );
    const numbers = own.map(Number);
    const [first, step, last] =
      numbers.length === 1 ? [1, 1, numbers[0]] : numbers.length === 2 ? [numbers[0], 1, numbers[1]] : numbers;
    const finite = [first, step, last].every((each) => Number.isFinite(each));
    if (!finite || first === undefined || last === undefined || !step || numbers.length > 3)
      throw new UsageError('usage: seq [-s separator] [-w] [first [step]] last');
    const count = Math.floor((last - first) / step + 1e-9) + 1;
    if (count > MAX_SEQ) throw new UsageError(`seq: at most ${MAX_SEQ} numbers`);
    const digits = Math.max(...own.slice(0, 2).map((each) => /\.(\d*)$/.exec(each)?.[1]?.length ?? 0));
    const texts = Array.from({ length: Math.max(0, count) }, (_, i) => (first + i * step).toFixed(digits));
    const width = wide ? Math.max(...texts.map((each) => each.length)) : 0;
    if (texts.length > 0) io.out(`${texts.map((each) => each.padStart(width, '0')).join(separator)}\n`);
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
  printf,
  date,
  seq,
  yes,
  sleep,
  constant('true', 0),
  constant('false', 1),
];

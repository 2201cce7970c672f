import { type Command, type ShellFiles, UsageError } from '../../command.ts';

const TEXTS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

const NUMBERS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '-eq': (a, b) => a === b,
  '-ne': (a, b) => a !== b,
  '-lt': (a, b) => a < b,
  '-le': (a, b) => a <= b,
  '-gt': (a, b) => a > b,
  '-ge': (a, b) => a >= b,
};

const wrong = (text: string): UsageError => new UsageError(`[: ${text}`, 2);

function integer(text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw wrong(`${text}: integer expression expected`);
  return Number(text);
}

const isFolder = (path: string, files: ShellFiles): boolean =>
  files.read(path) === undefined && (files.isFolder?.(path) ?? files.list(path).length > 0);

/** What an expression of `test` says. Source: POSIX, test; with -a and -o. */
function holds(words: readonly string[], files: ShellFiles): boolean {
  for (const [join, both] of [
    ['-o', false],
    ['-a', true],
  ] as const) {
    const at = words.indexOf(join, 1);
    if (at <= 0 || words.length <= 3) continue;
    const [left, right] = [holds(words.slice(0, at), files), holds(words.slice(at + 1), files)];
    return both ? left && right : left || right;
  }
  const [a = '', b = '', c = ''] = words;
  if (words.length === 0) return false;
  if (words.length === 1) return a !== '';
  if (words.length === 2) {
    if (a === '!') return b === '';
    if (a === '-z') return b === '';
    if (a === '-n') return b !== '';
    if (a === '-d') return isFolder(b, files);
    if (a === '-e' && isFolder(b, files)) return true;
    if (a === '-e' || a === '-f' || a === '-r' || a === '-s') {
      const text = files.read(b);
      return text !== undefined && (a !== '-s' || text !== '');
    }
    throw wrong(`${a}: unary operator expected`);
  }
  if (words.length === 3) {
    const [text, number] = [TEXTS[b], NUMBERS[b]];
    if (text !== undefined) return text(a, c);
    if (number !== undefined) return number(integer(a), integer(c));
    if (a !== '!') throw wrong(`${b}: binary operator expected`);
  }
  if (a === '!') return !holds(words.slice(1), files);
  throw wrong('too many arguments');
}

const MANUAL = `[ text = text ]   [ text != text ]   [ -z text ]   [ -n text ]   [ number -lt number ] (-eq -ne -lt -le -gt -ge)   [ -f file ]
For conditions: while [ "$(kubectl get pods -o name | wc -l)" -lt 3 ]; do sleep 1; done`;

const command = (name: '[' | 'test'): Command => ({
  name,
  summary: 'compare texts and numbers',
  manual: MANUAL,
  run: async (args, _io, { files }) => {
    if (name === 'test') return Number(!holds(args, files));
    if (args.at(-1) !== ']') throw wrong("missing `]'");
    return Number(!holds(args.slice(0, -1), files));
  },
});

/** `test` and `[ … ]`. */
export const testCommands: readonly Command[] = [command('['), command('test')];

import { type Command, UsageError } from '../command.ts';

const MOST_LINES = 500;

/** The lines that were run in one terminal. */
export interface History {
  /** Oldest first. */
  readonly lines: readonly string[];
  /** Blank lines, and a line that is run again at once, are kept once. */
  add(line: string): void;
  clear(): void;
}

export function createHistory(): History {
  const lines: string[] = [];
  return {
    lines,
    add: (line) => {
      if (line.trim() === '' || line === lines.at(-1)) return;
      lines.push(line);
      if (lines.length > MOST_LINES) lines.shift();
    },
    clear: () => void lines.splice(0),
  };
}

/** Prints what was run in this terminal, numbered, as a shell does. */
export function historyCommand(history: History): Command {
  return {
    name: 'history',
    summary: 'the lines that were run in this terminal',
    manual: 'history [count]   Numbers and lines, oldest first.\nhistory -c        Forgets them. Ctrl+R searches them.',
    run: async (args, io) => {
      const [first, ...more] = args;
      if (more.length > 0) throw new UsageError('history: too many arguments');
      if (first === '-c') {
        history.clear();
        return 0;
      }
      if (first !== undefined && !/^\d+$/.test(first))
        throw new UsageError(`history: ${first}: numeric argument required`);
      const { length } = history.lines;
      const from = first === undefined ? 0 : Math.max(0, length - Number(first));
      for (let at = from; at < length; at++) io.out(`${String(at + 1).padStart(5)}  ${history.lines[at]}\n`);
      return 0;
    },
  };
}

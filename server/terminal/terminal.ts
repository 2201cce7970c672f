import type { Command, ShellContext } from './command.ts';
import { curl } from './commands/curl.ts';
import { fortio } from './commands/fortio.ts';
import { istioctl } from './commands/istioctl/index.ts';
import { kubectl } from './commands/kubectl/index.ts';
import { textCommands } from './commands/text.ts';
import { createShell, type ShellIo } from './shell.ts';

export interface Completion {
  /** Where in the line the candidates begin. */
  readonly from: number;
  readonly candidates: readonly string[];
}

/** One terminal tab: keeps its variables and an unfinished script between lines. */
export interface Terminal {
  /** Runs a line. `more`: the script is unfinished (open quote, here-document, loop) and waits for the next line. */
  run(line: string, io: ShellIo): Promise<{ readonly exitCode: number; readonly more: boolean }>;
  complete(line: string, cursor: number): Completion;
  setVariable(name: string, value: string): void;
}

const MAX_SCRIPT = 65_536;
const MAX_CANDIDATES = 200;
const aliases: Readonly<Record<string, string>> = { k: 'kubectl' };

const help: Command = {
  name: 'help',
  summary: 'this list; help <command> for one of them',
  manual: 'help [command]',
  run: async (args, io) => {
    const one = args[0] === undefined ? undefined : commandTable.get(args[0]);
    if (one) io.out(`${one.manual}\n`);
    else {
      io.out('The commands of this terminal. It works on the lab’s own mesh and never on your machine.\n\n');
      for (const command of allCommands) io.out(`  ${command.name.padEnd(10)} ${command.summary}\n`);
      io.out(
        '\nJoin them with | && || ; > < and for loops. Tab completes, ↑ brings back earlier lines, Ctrl+C stops.\n',
      );
    }
    return 0;
  },
};

const man: Command = { ...help, name: 'man', summary: 'how one command is used', manual: 'man <command>' };

const clear: Command = {
  name: 'clear',
  summary: 'empty the screen',
  manual: 'clear',
  run: async (_args, io) => {
    io.out('\u001b[2J\u001b[H');
    return 0;
  },
};

const allCommands: readonly Command[] = [kubectl, istioctl, curl, fortio, help, man, clear, ...textCommands];
const commandTable: ReadonlyMap<string, Command> = new Map([
  ...allCommands.map((command) => [command.name, command] as const),
  ...Object.entries(aliases).map(
    ([alias, name]) => [alias, allCommands.find((command) => command.name === name) ?? help] as const,
  ),
]);

export function createTerminal(context: ShellContext): Terminal {
  const shell = createShell({ commands: commandTable, context });
  let unfinished = '';
  return {
    setVariable: (name, value) => shell.variables.set(name, value),
    run: async (line, io) => {
      const script = unfinished === '' ? line : `${unfinished}\n${line}`;
      if (script.length > MAX_SCRIPT) {
        unfinished = '';
        io.err('The script is too long.\n');
        return { exitCode: 2, more: false };
      }
      if (shell.needsMore(script)) {
        unfinished = script;
        return { exitCode: 0, more: true };
      }
      unfinished = '';
      return { exitCode: await shell.run(script, io), more: false };
    },
    complete: (line, cursor) => {
      const before = line.slice(0, cursor);
      const from = before.search(/[^\s|;&]*$/);
      const typed = before.slice(from);
      const words = before
        .slice(before.search(/[^|;&]*$/))
        .trimStart()
        .split(/\s+/);
      const pool =
        words.length <= 1
          ? [...commandTable.keys()]
          : (commandTable.get(words[0] ?? '')?.complete?.(words.slice(1), context) ?? []);
      const candidates = [...new Set(pool)].filter((candidate) => candidate.startsWith(typed)).sort();
      return { from, candidates: candidates.slice(0, MAX_CANDIDATES) };
    },
  };
}

import { createShell, opensslCommand, type ShellIo, textCommands } from '#shell';
import { type Command, type ShellContext, UsageError } from './command.ts';
import { curl } from './commands/curl.ts';
import { dig } from './commands/dig.ts';
import { fortio } from './commands/fortio.ts';
import { createHistory, historyCommand } from './commands/history.ts';
import { istioctl } from './commands/istioctl/index.ts';
import { kubectl } from './commands/kubectl/index.ts';
import { shellCommands } from './commands/sh.ts';
import { watchCommand } from './commands/watch.ts';
import { xds } from './commands/xds.ts';
import { type Completion, complete } from './completion.ts';

/** One terminal tab: keeps its variables and an unfinished script between lines. */
export interface Terminal {
  /** Runs a line. `more`: the script is unfinished (open quote, here-document, loop) and waits for the next line. */
  run(line: string, io: ShellIo): Promise<{ readonly exitCode: number; readonly more: boolean }>;
  /** Drops an unfinished script, as Ctrl+C does at the `> ` prompt. A running command is stopped by its signal. */
  interrupt(): void;
  complete(line: string, cursor: number): Completion;
  setVariable(name: string, value: string): void;
  /** Lines that were run, oldest first. */
  readonly history: readonly string[];
}

const MAX_SCRIPT = 65_536;
/** Programs that people expect, and what does their work here. */
const INSTEAD: Readonly<Record<string, string>> = {
  cd: 'All files of this terminal lie in one folder; ls lists them.',
  pwd: 'All files of this terminal lie in one folder; ls lists them.',
  mkdir: 'All files of this terminal lie in one folder; ls lists them.',
  vi: 'The editor is beside this terminal; its files are here, too.',
  vim: 'The editor is beside this terminal; its files are here, too.',
  nano: 'The editor is beside this terminal; its files are here, too.',
  less: 'There are no pages here; use head, tail or grep.',
  more: 'There are no pages here; use head, tail or grep.',
  bc: "Use $((1 + 2)), or awk for fractions: awk 'BEGIN {print 1 / 3}'",
  find: 'ls samples lists a folder; ls samples/*/*.yaml those below.',
  perl: 'Use sed and awk here.',
  python: 'Use sed, awk and jq here.',
  python3: 'Use sed, awk and jq here.',
  yq: 'Use kubectl get -o json | jq here.',
  ping: 'A mesh carries no ping; kubectl exec deploy/<name> -- curl -s http://<service> sends a request.',
  nslookup: 'kubectl exec deploy/<name> -- nslookup <service> asks the name server of the cluster.',
  wget: 'Use curl here; wget is there inside of pods.',
  sudo: 'Nothing here needs it: you are the administrator of this cluster.',
  ssh: 'kubectl exec deploy/<name> -- <command> runs a command in a pod.',
  docker: 'kubectl get pods shows what runs.',
  helm: 'The mesh is installed already; kubectl get pods -n istio-system shows it.',
  top: 'The view of metrics shows who is busy.',
  ps: 'kubectl get pods shows what runs.',
};

const aliases: Readonly<Record<string, string>> = { k: 'kubectl' };

const help: Command = {
  name: 'help',
  summary: 'this list; help <command> for one of them',
  manual: 'help [command]',
  complete: () => [...commandTable.keys()],
  run: async (args, io) => {
    const [name] = args;
    const one = name === undefined ? undefined : commandTable.get(name);
    if (name !== undefined && !one) throw new UsageError(`No manual entry for ${name}`, 16);
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

const openssl: Command = opensslCommand(({ sandbox }) => sandbox.dialFromOutside);

const allCommands: readonly Command[] = [
  kubectl,
  istioctl,
  xds,
  curl,
  openssl,
  fortio,
  dig,
  watchCommand(() => commandTable),
  help,
  man,
  clear,
  historyCommand(createHistory()),
  ...textCommands,
  ...shellCommands,
];
const commandTable: ReadonlyMap<string, Command> = new Map([
  ...allCommands.map((command) => [command.name, command] as const),
  ...Object.entries(aliases).map(
    ([alias, name]) => [alias, allCommands.find((command) => command.name === name) ?? help] as const,
  ),
]);

export function createTerminal(context: ShellContext): Terminal {
  const history = createHistory();
  const commands = new Map([...commandTable, ['history', historyCommand(history)]]);
  const shell = createShell({
    commands,
    world: context,
    notFound: (name) => {
      const instead = Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : 'Type help for the list.';
      return `${name}: command not found. ${instead}`;
    },
  });
  let unfinished = '';
  return {
    setVariable: (name, value) => shell.variables.set(name, value),
    history: history.lines,
    run: async (line, io) => {
      history.add(line);
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
    interrupt: () => {
      unfinished = '';
    },
    complete: (line, cursor) => complete(line.slice(0, cursor), { commands, context, variables: shell.variables }),
  };
}

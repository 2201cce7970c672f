import { type Command, UsageError } from '../command.ts';

/** `sh -c text`: the terminal's own language, in a shell of its own. */
export const shellCommands: readonly Command[] = ['sh', 'bash'].map((name) => ({
  name,
  summary: 'run a line of this terminal’s own language',
  manual: `${name} -c 'commands'   ${name} file   What it sets stays inside. It is this terminal's shell, never one of your machine.`,
  run: async (args, io, { files }) => {
    const [first = '', second, ...more] = args;
    if (/^-[a-z]*c$/.test(first) && second !== undefined)
      return io.script(second, { variables: named(['sh', ...more.slice(1)]) });
    const script = files.read(first);
    if (args.length === 0 && !io.hasStdin)
      throw new UsageError(`${name}: this is the shell already; ${name} -c 'commands' runs some`);
    if (args.length === 0) {
      let text = '';
      for await (const chunk of io.stdin) text += chunk;
      return io.script(text, { stdin: '' });
    }
    if (script === undefined) throw new UsageError(`${name}: ${first}: No such file or directory`, 127);
    return io.script(script, { variables: named([first, ...args.slice(1)]) });
  },
  complete: (_words, { files }) => files.list(''),
}));

/** `$0`, `$1` and so on. */
const named = (args: readonly string[]): ReadonlyMap<string, string> =>
  new Map(args.map((text, index) => [String(index), text]));

import { pause } from '#domain';
import { createShell } from '#shell';
import { type Command, UsageError } from '../command.ts';

const LEAST_S = 0.5;
const MOST_RUNS = 3600;
const CLEAR = '\u001b[2J\u001b[H';

/** Runs a command again and again and shows its newest output, until Ctrl+C. */
export function watchCommand(commands: () => ReadonlyMap<string, Command>): Command {
  return {
    name: 'watch',
    summary: 'run a command again and again',
    manual: `watch [-n 2] command…   Every 2 seconds, or as -n says (at least ${LEAST_S}). Ctrl+C stops. Quote a pipe: watch "kubectl get pods | grep reviews"`,
    run: async (args, io, context) => {
      const { everyS, line } = readArgs(args);
      const shell = createShell({ commands: commands(), world: context });
      for (const [name, value] of io.variables) shell.variables.set(name, value);
      for (let runs = 0; runs < MOST_RUNS && !io.signal.aborted; runs++) {
        let text = '';
        const keep = (part: string): void => {
          text += part;
        };
        await shell.run(line, { out: keep, err: keep, signal: io.signal });
        if (io.signal.aborted) break;
        const at = new Date(context.clock.now()).toISOString().slice(11, 19);
        io.out(`${CLEAR}Every ${everyS} s: ${line}   ${at}\n\n${text}`);
        await pause({ clock: context.clock, signal: io.signal }, everyS * 1000);
      }
      return 130;
    },
    complete: () => [...commands().keys()],
  };
}

function readArgs(args: readonly string[]): { everyS: number; line: string } {
  let rest = args;
  let everyS = 2;
  const [first = '', second] = args;
  if (first === '-n' || first === '--interval') {
    everyS = Number(second);
    rest = args.slice(2);
  } else if (/^-n[\d.]+$/.test(first)) {
    everyS = Number(first.slice(2));
    rest = args.slice(1);
  }
  if (!Number.isFinite(everyS) || rest.length === 0) throw new UsageError('usage: watch [-n seconds] command…');
  const line = rest.length === 1 ? rest[0]! : rest.map(quoted).join(' ');
  return { everyS: Math.max(LEAST_S, everyS), line };
}

const quoted = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

import { type Flags, textPipe } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf } from '../verb.ts';
import { findProxy } from './proxies.ts';

/** How the word may be spelt. */
export const LOG_WORDS: ReadonlySet<string> = new Set(['log', 'logs', 'o']);
const LEVELS: ReadonlySet<string> = new Set(['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off']);
const DEFAULT_LEVEL = 'warning';

/** Shows and sets the levels of a proxy's loggers, by its own admin page. */
export async function loggers(
  word: string | undefined,
  flags: Flags,
  io: CommandIo,
  context: ShellContext,
): Promise<number> {
  if (word === undefined) throw new UsageError('Error: log requires pod name or deploy/name', 64);
  const { pod } = findProxy(context, namespaceOf(flags, context), word);
  const wanted = flags.on('reset') ? DEFAULT_LEVEL : flags.text('level');
  const queries = wanted === undefined ? [''] : wanted.split(',').map(queryOf);
  let text = '';
  for (const query of queries) {
    text = '';
    const keep = (piece: string): void => {
      text += piece;
    };
    const own = { ...io, out: keep, stdin: textPipe(''), hasStdin: false };
    const code = await pod.run('istio-proxy', ['curl', '-s', '-X', 'POST', `localhost:15000/logging${query}`], own);
    if (code !== 0) throw new UsageError(`Error: the proxy of ${pod.name}.${pod.namespace} did not answer`);
  }
  io.out(`${pod.name}.${pod.namespace}:\n${text}`);
  return 0;
}

/** `debug` sets all, `rbac:debug` one. */
function queryOf(text: string): string {
  const [, logger, level = ''] = /^(?:([\w-]+):)?(\w+)$/.exec(text) ?? [];
  if (!LEVELS.has(level))
    throw new UsageError(
      `Error: unrecognized logging level: ${text}. The levels are trace, debug, info, warning, error, critical, off`,
      64,
    );
  return logger === undefined || logger === 'level' ? `?level=${level}` : `?${logger}=${level}`;
}

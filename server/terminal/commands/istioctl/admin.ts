import { STATUS_CODES } from 'node:http';
import { errorMessage } from '#domain';
import type { RunningPod } from '#sandbox';
import { onOff, value } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { toYaml } from '../kubectl/output.ts';
import type { Verb } from '../verb.ts';

const LEVELS: ReadonlySet<string> = new Set(['debug', 'info', 'warn', 'error', 'none']);
const SCOPES_URL = 'http://localhost:9876/scopej/';

interface Scope {
  readonly name: string;
  readonly description?: string;
  readonly output_level?: string;
  readonly stack_trace_level?: string;
}

export const admin: Verb = {
  name: 'admin',
  aliases: ['istiod'],
  manual: `istioctl admin log [--level scope:level,…] [--reset] [-o short|json|yaml]
The parts of istiod that log, each with its level, and other levels for them: debug, info, warn, error, none. --reset sets all to info.
istioctl admin log --level delta:debug makes istiod tell of the answers of proxies too; kubectl logs -n istio-system deploy/istiod shows it.`,
  flags: { level: value(), reset: onOff(), output: value('o') },
  run: async (flags, io, context) => {
    const [what = '', podName] = flags.words;
    if (what !== 'log' && what !== 'l')
      throw new UsageError(`Error: unknown command "${what}" for "istioctl admin"`, 64);
    const istiod = findIstiod(context, podName);
    const wanted = flags.text('level');
    if (wanted !== undefined && flags.on('reset'))
      throw new UsageError('Error: --level cannot be combined with --reset, --log-reset');
    if (wanted !== undefined) {
      await setScopes(istiod, wanted.split(',').map(readPair));
      return 0;
    }
    const scopes = JSON.parse(await ask(istiod, '')) as readonly Scope[];
    if (flags.on('reset')) {
      const defaults = { output_level: 'info', stack_trace_level: 'none' };
      await setScopes(
        istiod,
        scopes.map(({ name }) => ({ name, ...defaults })),
      );
      return 0;
    }
    const output = flags.text('output') ?? 'short';
    if (!['short', 'json', 'yaml'].includes(output))
      throw new UsageError(`Error: output format "${output}" not supported`);
    if (output === 'short') {
      const rows = scopes.map((scope) => [
        scope.name,
        scope.description ?? '',
        scope.output_level ?? '',
        scope.stack_trace_level ?? '',
      ]);
      io.out(formatTable(['ACTIVE SCOPE', 'DESCRIPTION', 'LOG LEVEL', 'STACK TRACE LEVEL'], rows, 3));
      return 0;
    }
    const told = scopes.map((scope) => ({
      scope_name: scope.name,
      log_level: scope.output_level,
      stack_trace_level: scope.stack_trace_level,
      description: scope.description,
    }));
    io.out(output === 'json' ? `${JSON.stringify(told, null, 2)}\n` : toYaml(told));
    return 0;
  },
  complete: ({ words }) => (words.length <= 1 ? ['log'] : []),
};

function findIstiod({ sandbox }: ShellContext, name: string | undefined): RunningPod {
  const pods = sandbox.pods.filter(({ namespace }) => namespace === 'istio-system');
  const pod = pods.find((each) => (name === undefined ? each.labels['app'] === 'istiod' : each.name === name));
  if (pod) return pod;
  throw new UsageError(
    name === undefined
      ? 'Error: no pods found'
      : `Error: could not build port forwarder for ControlZ ${name}: pods "${name}" not found in the "istio-system" namespace`,
  );
}

/** `ads:debug`. */
function readPair(text: string): Scope {
  const [, name = '', level = ''] = /^([\w-]+):(\w+)$/.exec(text) ?? [];
  if (!LEVELS.has(level))
    throw new UsageError(`Error: pattern ${text} did not match. The levels are ${[...LEVELS].join(', ')}`);
  return { name, output_level: level };
}

async function setScopes(istiod: RunningPod, scopes: readonly Scope[]): Promise<void> {
  for (const scope of scopes) await ask(istiod, scope.name, scope);
}

async function ask(istiod: RunningPod, name: string, scope?: Scope): Promise<string> {
  const init = scope === undefined ? {} : { method: 'PUT', body: JSON.stringify(scope) };
  const { status, body } = await istiod.fetch(`${SCOPES_URL}${name}`, init).catch((error: unknown) => {
    throw new UsageError(`Error: could not get scopes information: ${errorMessage(error)}`);
  });
  if (status < 300) return body.toString('utf8');
  const answered = `got status ${status} ${STATUS_CODES[status] ?? ''}`;
  throw new UsageError(`Error: failed updating Scope ${name}: cannot update resource ${name}, ${answered}`);
}

import type { RunningPod } from '#sandbox';
import { onOff, runCurl, runFortio, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { chooseContainer } from './containers.ts';
import { usage } from './errors.ts';
import { completePods, findPod } from './targets.ts';

const SHELLS = new Set(['sh', 'bash', 'ash']);
const PROGRAMS = ['curl', 'fortio', 'ss', 'hostname', 'env'];

export const exec: Verb = {
  name: 'exec',
  manual: `kubectl exec <pod | deploy/name> [-c container] [-n namespace] -- <program> [arguments]
Programs inside a pod: curl, fortio load, ss (or netstat), hostname, and what the image brings. There is no shell inside.`,
  flags: { container: value('c'), stdin: onOff('i'), tty: onOff('t'), quiet: onOff('q') },
  run: async (flags, io, context) => {
    const command = flags.afterDashes ?? [];
    const own = flags.words.slice(0, flags.words.length - command.length);
    const [word, ...loose] = own;
    if (word === undefined) throw new UsageError('error: pod, type/name or --filename must be specified');
    if (loose.length > 0)
      throw usage('exec', 'exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead');
    if (command.length === 0) throw new UsageError('error: you must specify at least one command for the container');
    const pod = findPod(context, namespaceOf(flags), word);
    const container = chooseContainer({ pod, asked: flags.text('container'), verb: 'exec' }, io, context);
    const code = await runInPod(unwrapShell(command), { pod, container, io, context });
    if (code !== 0 && !io.signal.aborted) io.err(`command terminated with exit code ${code}\n`);
    return code;
  },
  complete: ({ words, namespace }, context) =>
    words.length <= 1 ? completePods({ words, namespace }, context) : PROGRAMS,
};

interface Inside {
  readonly pod: RunningPod;
  readonly container: string;
  readonly io: CommandIo;
  readonly context: ShellContext;
}

async function runInPod(command: readonly string[], inside: Inside): Promise<number> {
  const { pod, container, io, context } = inside;
  const [program = '', ...args] = command;
  const name = program.split('/').at(-1) ?? program;
  const fetch: RunningPod['fetch'] = (url, init) => pod.fetch(url, init);
  switch (name) {
    case 'curl':
      return told(() => runCurl(args, { io, clock: context.clock, fetch }), io);
    case 'fortio':
      return told(() => runFortio(args, { io, clock: context.clock, fetch }), io);
    case 'ss':
    case 'netstat':
      io.out(listeners(pod, container));
      return 0;
    case 'hostname':
      io.out(`${pod.name}\n`);
      return 0;
  }
  if (SHELLS.has(name))
    throw new UsageError(
      'error: the pods of the lab have no shell; name the program, for example: -- curl http://cart:8080/',
    );
  const result = pod.exec(container, command);
  if (!result)
    throw new UsageError(
      `error: Internal error occurred: error executing command in container: exec: "${program}": executable file not found in $PATH`,
    );
  io.out(result.stdout);
  return result.exitCode;
}

/** What a program in the pod says of its own use goes to its error stream, and its exit code to kubectl. */
async function told(run: () => Promise<number>, io: CommandIo): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.err(`${error.message}\n`);
    return error.exitCode;
  }
}

/** `sh -c "curl …"` with one plain command is what tutorials print: run that command. */
function unwrapShell(command: readonly string[]): readonly string[] {
  const [program = '', flag, script] = command;
  const isShell = SHELLS.has(program.split('/').at(-1) ?? program);
  if (!isShell || flag !== '-c' || script === undefined || /[|&;<>$`"'\\\n]/.test(script)) return command;
  return script.trim().split(/\s+/);
}

/** Istio's ports in each proxy's pod. */
const PROXY_LISTENERS = [
  ['0.0.0.0:15001', 'envoy, outbound'],
  ['0.0.0.0:15006', 'envoy, inbound'],
  ['127.0.0.1:15000', 'envoy, admin'],
  ['0.0.0.0:15021', 'envoy, readiness'],
  ['0.0.0.0:15090', 'envoy, metrics'],
] as const;

/** Listening sockets as a program inside the pod sees them: the application's view of its own network. */
function listeners(pod: RunningPod, container: string): string {
  const rows: string[][] = pod.appListeners.map(({ ip, port }) => [
    'LISTEN',
    `${ip}:${port}`,
    container === 'istio-proxy' ? '' : 'app',
  ]);
  if (pod.proxy) rows.push(...PROXY_LISTENERS.map(([address, use]) => ['LISTEN', address, use]));
  return formatTable(['State', 'Local Address:Port', 'Process'], rows);
}

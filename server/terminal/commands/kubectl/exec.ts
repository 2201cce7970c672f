import type { RunningPod } from '#sandbox';
import { onOff, textPipe, value } from '#shell';
import { type CommandIo, UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { chooseContainer } from './containers.ts';
import { usage } from './errors.ts';
import { completePods, findPod } from './targets.ts';

const SHELLS = new Set(['sh', 'bash', 'ash']);
const PROGRAMS = ['curl', 'fortio', 'openssl', 'ss', 'hostname', 'env', 'sh', 'cat', 'ls', 'nslookup', 'nc'];

export const exec: Verb = {
  name: 'exec',
  manual: `kubectl exec <pod | deploy/name> [-c container] [-n namespace] -- <program> [arguments]
Runs a program inside a pod: curl, fortio load, openssl, ss (or netstat), nslookup, nc, cat, env, sh -c '…', and what the image brings.
With -i it reads what is piped into kubectl.`,
  flags: { container: value('c'), stdin: onOff('i'), tty: onOff('t'), quiet: onOff('q') },
  run: async (flags, io, context) => {
    const command = flags.afterDashes ?? [];
    const own = flags.words.slice(0, flags.words.length - command.length);
    const [word, ...loose] = own;
    if (word === undefined) throw new UsageError('error: pod, type/name or --filename must be specified');
    if (loose.length > 0)
      throw usage('exec', 'exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead');
    if (command.length === 0) throw new UsageError('error: you must specify at least one command for the container');
    const pod = findPod(context, namespaceOf(flags, context), word);
    const container = chooseContainer({ pod, asked: flags.text('container'), verb: 'exec' }, io, context);
    const code = await runInPod(command, { pod, container, io, withInput: flags.on('stdin') });
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
  /** The pod's program reads what is piped into kubectl. */
  readonly withInput: boolean;
}

async function runInPod(command: readonly string[], { pod, container, io, withInput }: Inside): Promise<number> {
  const [program = '', ...args] = command;
  const name = program.split('/').at(-1) ?? program;
  if (name === 'ss' || name === 'netstat') {
    io.out(listeners(pod, container));
    return 0;
  }
  if (SHELLS.has(name) && args.every((arg) => /^-[il]+$/.test(arg)) && !(withInput && io.hasStdin)) {
    throw new UsageError(
      `error: this terminal holds no shell of a pod open; give it a script: -- ${name} -c 'curl -s http://cart:8080/'`,
    );
  }
  const input = withInput && io.hasStdin;
  return pod.run(container, command, { ...io, hasStdin: input, stdin: input ? io.stdin : textPipe('') });
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

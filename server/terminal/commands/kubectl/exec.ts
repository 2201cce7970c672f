import type { RunningPod } from '#sandbox';
import { UsageError } from '../../command.ts';
import { readFlags } from '../../flags.ts';
import { formatTable } from '../../table.ts';
import { runCurl } from '../curl.ts';
import { runFortio } from '../fortio.ts';
import { chooseContainer } from './logs.ts';
import { commonFlags, completeTargets, findPod, namespaceOf } from './targets.ts';
import type { Verb } from './verb.ts';

const SHELLS = new Set(['sh', 'bash', 'ash', '/bin/sh', '/bin/bash']);

export const exec: Verb = {
  name: 'exec',
  manual: `kubectl exec <pod | deploy/name> [-c container] [-n namespace] -- <program> [arguments]
Programs inside a pod: curl, fortio load, ss (or netstat), env, hostname, and what the image brings. There is no shell inside.`,
  run: async (args, io, context) => {
    const split = args.indexOf('--');
    const own = split < 0 ? args : args.slice(0, split);
    const flags = readFlags(own, {
      ...commonFlags,
      container: { type: 'string', short: 'c' },
      stdin: { type: 'boolean', short: 'i' },
      tty: { type: 'boolean', short: 't' },
    });
    const [word, ...loose] = flags.words;
    const command = split < 0 ? loose : args.slice(split + 1);
    if (word === undefined || command.length === 0)
      throw new UsageError(
        'error: you must specify a pod and a command: kubectl exec deploy/frontend -- curl http://cart:8080/',
      );
    const pod = findPod(context, namespaceOf(flags), word);
    const container = chooseContainer(pod, flags.text('container'), io);
    const [program = '', ...rest] = unwrapShell(command);
    const name = program.split('/').at(-1) ?? program;
    if (SHELLS.has(program))
      throw new UsageError(
        'error: the pods of the lab have no shell; name the program, for example: -- curl http://cart:8080/',
      );
    if (name === 'curl') return runCurl(rest, { ...io, fetch: (url, init) => pod.fetch(url, init) });
    if (name === 'fortio')
      return runFortio(rest, { io, clock: context.clock, fetch: (url, init) => pod.fetch(url, init) });
    if (name === 'ss' || name === 'netstat') {
      io.out(listeners(pod, container));
      return 0;
    }
    if (name === 'hostname') {
      io.out(`${pod.name}\n`);
      return 0;
    }
    const result = pod.exec(container, [program, ...rest]);
    if (!result)
      throw new UsageError(`error: exec "${program}": executable file not found in $PATH of container ${container}`);
    io.out(result.stdout);
    return result.exitCode;
  },
  complete: (words, context) => completeTargets(words[0]?.includes('/') ? words : ['pods', ...words], context),
};

/** `sh -c "curl …"` with one plain command is what tutorials print: run that command. */
function unwrapShell(command: readonly string[]): readonly string[] {
  const [program = '', flag, script] = command;
  if (!SHELLS.has(program) || flag !== '-c' || script === undefined || /[|&;<>$`"']/.test(script)) return command;
  return script.trim().split(/\s+/);
}

/** Listening sockets as a program inside the pod sees them: the application's view of its own network. */
function listeners(pod: RunningPod, container: string): string {
  const rows: string[][] = pod.appListeners.map(({ ip, port }) => [
    'LISTEN',
    `${ip}:${port}`,
    container === 'istio-proxy' ? '' : 'app',
  ]);
  if (pod.proxy) {
    for (const [port, use] of [
      [15001, 'envoy, outbound'],
      [15006, 'envoy, inbound'],
      [15000, 'envoy, admin'],
      [15021, 'envoy, readiness'],
      [15090, 'envoy, metrics'],
    ] as const) {
      rows.push(['LISTEN', `${port === 15000 ? '127.0.0.1' : '0.0.0.0'}:${port}`, use]);
    }
  }
  return formatTable(['State', 'Local Address:Port', 'Process'], rows);
}

import {
  type Command,
  CURL_MANUAL,
  FORTIO_MANUAL,
  opensslCommand,
  runCurl,
  runFortio,
  textCommands,
  UsageError,
} from '#shell';
import { echoClient } from './echo-client/index.ts';
import { fileCommands } from './file-programs.ts';
import { networkCommands } from './network-programs.ts';
import { pilotAgent } from './pilot-agent.ts';
import type { PodWorld } from './pod-world.ts';
import { promtool } from './promtool.ts';

const MAX_TIMER_MS = 2_000_000_000;

/** A program of a few lines. */
export const program = (name: string, summary: string, run: Command<PodWorld>['run']): Command<PodWorld> => ({
  name,
  summary,
  manual: name,
  run,
});

const curl = program('curl', 'send an HTTP request', (args, io, world) => {
  if (args.length === 0 || args.includes('--help')) {
    io.out(`${CURL_MANUAL}\n`);
    return Promise.resolve(args.length === 0 ? 2 : 0);
  }
  return runCurl(args, {
    io,
    clock: world.clock,
    fetch: world.fetch,
    read: (path) => world.files.read(path),
    save: (path, text) => world.files.write(path, text),
  });
});

const fortio = program('fortio', 'send load and count the answers', (args, io, world) => {
  if (args.length > 0) return runFortio(args, { io, clock: world.clock, fetch: world.fetch });
  io.out(`${FORTIO_MANUAL}\n`);
  return Promise.resolve(1);
});

const hostname = program('hostname', "the pod's name", async (args, io, { pod, env }) => {
  io.out(`${args[0] === '-i' ? pod.ip : (env['HOSTNAME'] ?? pod.name)}\n`);
  return 0;
});

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Unlike the terminal's, sleeps as long as it is told: a pod may wait for days. */
const sleep = program('sleep', 'wait', (args, io, world) => {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?|inf(?:inity)?)([smhd]?)$/.exec(args[0] ?? '') ?? [];
  if (number === undefined) throw new UsageError(`sleep: invalid time interval '${args[0] ?? ''}'`);
  const ms = number.startsWith('inf') ? MAX_TIMER_MS : Number(number) * (SECONDS[unit || 's'] ?? 1) * 1000;
  return new Promise((resolve) => {
    if (io.signal.aborted) return resolve(130);
    const timer = world.clock.after(Math.min(ms, MAX_TIMER_MS), () => resolve(0));
    io.signal.addEventListener(
      'abort',
      () => {
        timer.cancel();
        resolve(130);
      },
      { once: true },
    );
  });
});

const fixed = (name: string, text: string): Command<PodWorld> =>
  program(name, name, async (_args, io) => {
    io.out(`${text}\n`);
    return 0;
  });

/** `id`, `whoami`: the proxy runs as user 1337, because capture leaves that user's traffic alone. */
const identity = (name: string): Command<PodWorld> =>
  program(name, 'who runs this', async (_args, io, { container }) => {
    const proxy = container === 'istio-proxy';
    if (name === 'whoami') io.out(proxy ? 'istio-proxy\n' : 'root\n');
    else io.out(proxy ? 'uid=1337(istio-proxy) gid=1337(istio-proxy)\n' : 'uid=0(root) gid=0(root)\n');
    return 0;
  });

const ps = program('ps', 'what runs', async (_args, io, { container, image }) => {
  const lines =
    container === 'istio-proxy'
      ? ['    1 istio-p+ pilot-agent proxy sidecar', '   14 istio-p+ envoy -c etc/istio/proxy/envoy-rev.json']
      : [`    1 root     ${image}`];
  io.out(`  PID USER     COMMAND\n${lines.join('\n')}\n`);
  return 0;
});

const own: readonly Command<PodWorld>[] = [
  curl,
  fortio,
  hostname,
  sleep,
  fixed('pwd', '/'),
  fixed('uname', 'Linux'),
  identity('id'),
  identity('whoami'),
  ps,
  ...fileCommands,
  ...networkCommands,
  opensslCommand(({ dial }) => dial),
];

/** Every program that a container may be asked to run, by name; those of the proxy's container come on top there. */
const programs: ReadonlyMap<string, Command<PodWorld>> = new Map(
  [...textCommands, ...own].map((command) => [command.name, command]),
);

export function programsOf({
  container,
  image,
}: Pick<PodWorld, 'container' | 'image'>): ReadonlyMap<string, Command<PodWorld>> {
  if (container === 'istio-proxy') return new Map([...programs, [pilotAgent.name, pilotAgent]]);
  if (image === 'prometheus') return new Map([...programs, [promtool.name, promtool]]);
  if (image === 'app' || image === 'echo-advanced') return new Map([...programs, [echoClient.name, echoClient]]);
  return programs;
}

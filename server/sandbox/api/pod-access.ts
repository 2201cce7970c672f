import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Clock, KubeObject } from '#domain';
import { errorMessage } from '#domain';
import { KubeStatusError, type PodAccess, type PodStreams } from '#kube-api';
import { runInteractive } from '../exec/interactive-shell.ts';
import type { PodWorld } from '../exec/pod-world.ts';
import { type ContainerIo, isBareShell, noInput } from '../exec/run-command.ts';
import { runTar } from '../exec/tar.ts';
import { keyOf } from '../kube-types.ts';
import type { ContainerRuntime } from '../kubelet/container-runtime.ts';
import type { Kubelet } from '../kubelet/kubelet.ts';
import type { PodRuntime } from '../kubelet/pod-runtime.ts';
import { followLog, logText } from './pod-logs.ts';

/** What the API server asks of the node: logs, exec, attach and port-forward of the pods that run here. */
export function createPodAccess({ kubelet, clock }: { readonly kubelet: Kubelet; readonly clock: Clock }): PodAccess {
  const runtimeOf = (pod: KubeObject): PodRuntime => {
    const runtime = kubelet.pod(keyOf(pod));
    if (runtime === undefined)
      throw new KubeStatusError('BadRequest', `pod ${pod.metadata.name} does not run on a node`);
    return runtime;
  };
  const containerOf = (pod: KubeObject, name: string): ContainerRuntime => {
    const container = runtimeOf(pod).container(name);
    if (container === undefined)
      throw new KubeStatusError('BadRequest', `container ${name} is not valid for pod ${pod.metadata.name}`);
    return container;
  };
  const running = (pod: KubeObject, name: string): ContainerRuntime => {
    const container = containerOf(pod, name);
    if (!container.running) throw new KubeStatusError('BadRequest', `container not found ("${name}"): it does not run`);
    return container;
  };
  return {
    logs: (pod, options, signal) => {
      const container = containerOf(pod, options.container);
      refuseWhatNeverRan(pod, container, options);
      return options.follow && !options.previous
        ? followLog(container, options, { clock, signal })
        : logText(container, options);
    },
    exec: async (pod, { container, command, tty }, streams, signal) => {
      running(pod, container);
      const runtime = runtimeOf(pod);
      if (tty && isBareShell(command) && streams.stdin !== undefined) {
        return { exitCode: await runInteractive({ world: runtime.world(container), streams, signal }) };
      }
      if (!tty && command[0]?.split('/').at(-1) === 'tar') {
        return { exitCode: await runArchiver(command.slice(1), streams, runtime.world(container)) };
      }
      return { exitCode: await runtime.run(container, command, ioOf(streams, { tty, signal })) };
    },
    attach: async (pod, { container: name, tty }, streams, signal) => {
      const container = running(pod, name);
      const runtime = runtimeOf(pod);
      const console = runtime.console(name);
      if (console !== undefined && streams.stdin !== undefined) {
        // Without a terminal a shell reads what is piped into it, and shows no prompt.
        const exitCode = tty
          ? await runInteractive({ world: runtime.world(name), streams, signal })
          : await runtime.run(name, ['sh'], ioOf(streams, { tty, signal }));
        console.end(exitCode);
        return { exitCode };
      }
      const write = ioOf(streams, { tty, signal }).out;
      const unfollow = container.log.follow((line) => write(`${line}\n`));
      const gone = new Promise<number>((resolve) => signal.addEventListener('abort', () => resolve(0), { once: true }));
      const exitCode = await Promise.race([container.untilExit(), gone]);
      unfollow();
      return { exitCode };
    },
    portForward: async (pod, port) => {
      const socket = await runtimeOf(pod)
        .dial('localhost', port)
        .catch((error: unknown) => {
          const why = `failed to connect to localhost:${port} inside namespace: ${errorMessage(error)}`;
          throw new KubeStatusError('InternalError', why);
        });
      return socket;
    },
    // The address is the runtime's, whatever the object's status says: that a learner may write.
    connect: (pod, port, signal) => reach({ host: runtimeOf(pod).ip, port, signal }),
  };
}

function reach(target: {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(target);
    socket.once('connect', () => resolve(socket));
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      const why = code === 'ECONNREFUSED' ? 'connection refused' : code;
      reject(new Error(`dial tcp ${target.host}:${target.port}: connect: ${why}`));
    });
  });
}

function refuseWhatNeverRan(
  pod: KubeObject,
  container: ContainerRuntime,
  options: { readonly previous: boolean },
): void {
  const { name, state } = container.view;
  if (options.previous && container.previousLog === undefined) {
    const what = `previous terminated container "${name}" in pod "${pod.metadata.name}" not found`;
    throw new KubeStatusError('BadRequest', what);
  }
  if (container.program === undefined) {
    const what = `container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${waitingReason(state)}`;
    throw new KubeStatusError('BadRequest', what);
  }
}

/** The kubelet's words for an image that cannot be pulled differ from the state's. */
const waitingReason = (state: string): string =>
  ({ ErrImagePull: "image can't be pulled", ImagePullBackOff: 'trying and failing to pull image' })[state] ?? state;

/** A client's streams as a program here writes to them. */
function ioOf(
  streams: PodStreams,
  { tty, signal }: { readonly tty: boolean; readonly signal: AbortSignal },
): ContainerIo {
  const shown = (text: string): string => (tty ? text.replace(/\r?\n/g, '\r\n') : text);
  return {
    ...(streams.stdin === undefined ? noInput : { stdin: textOf(streams.stdin), hasStdin: true }),
    out: (text) => void streams.stdout.write(shown(text)),
    err: (text) => void (tty ? streams.stdout : streams.stderr).write(shown(text)),
    signal,
  };
}

/** What `kubectl cp` asks for: bytes in and out. */
function runArchiver(args: readonly string[], { stdin, stdout, stderr }: PodStreams, world: PodWorld): Promise<number> {
  const { files, clock } = world;
  const io = {
    stdin: stdin ?? NOTHING,
    out: (bytes: Buffer) => void stdout.write(bytes),
    err: (text: string) => void stderr.write(text),
  };
  return runTar(args, io, { files, nowMs: clock.now() });
}

const NOTHING: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} };

/** A letter of several bytes may come in two pieces. */
async function* textOf(stdin: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of stdin)
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
  yield decoder.decode();
}

import type { RunningPod } from '#sandbox';
import { type CommandIo, UsageError } from '../../command.ts';
import { readFlags } from '../../flags.ts';
import { commonFlags, completeTargets, findPod, names, namespaceIn, namespaceOf } from './targets.ts';
import type { Verb } from './verb.ts';

export const logs: Verb = {
  name: 'logs',
  manual: `kubectl logs [-f] [-c container] [--tail n] <pod | deploy/name> [-n namespace] | -l selector
Prints a container's log. -c istio-proxy shows the proxy's access log, one line per request.`,
  run: async (args, io, context) => {
    const flags = readFlags(args, {
      ...commonFlags,
      follow: { type: 'boolean', short: 'f' },
      container: { type: 'string', short: 'c' },
      tail: { type: 'string' },
      'all-containers': { type: 'boolean' },
      prefix: { type: 'boolean' },
    });
    const namespace = namespaceOf(flags);
    const selector = flags.text('selector');
    const [word, second] = flags.words;
    const pods = selector
      ? selectPods(context.sandbox.pods, namespace, selector)
      : word
        ? [findPod(context, namespace, word)]
        : [];
    if (pods.length === 0)
      throw new UsageError(
        selector
          ? `No resources found in ${namespace} namespace.`
          : 'error: expected a pod, for example: kubectl logs deploy/reviews-v1',
      );
    const streams = pods.flatMap((pod) => {
      const all = pod.containers.filter((container) => container.kind !== 'init').map((container) => container.name);
      const chosen = flags.on('all-containers') ? all : [chooseContainer(pod, flags.text('container') ?? second, io)];
      return chosen.map((container) => ({
        pod,
        container,
        prefix: pods.length > 1 || flags.on('prefix') ? `[pod/${pod.name}/${container}] ` : '',
      }));
    });
    const tail = flags.text('tail') === undefined ? Number.POSITIVE_INFINITY : Number(flags.text('tail'));
    for (const { pod, container, prefix } of streams) {
      const lines = pod.logs(container);
      for (const line of lines.slice(Math.max(0, lines.length - tail))) io.out(`${prefix}${line}\n`);
    }
    if (flags.on('follow')) {
      const ends = streams.map(({ pod, container, prefix }) =>
        pod.followLogs(container, (line) => io.out(`${prefix}${line}\n`)),
      );
      await new Promise<void>((resolve) => io.signal.addEventListener('abort', () => resolve(), { once: true }));
      for (const end of ends) end();
    }
    return 0;
  },
  complete: (words, context) => {
    const last = words.at(-1) ?? '';
    return last.includes('/')
      ? completeTargets(words, context)
      : [...names(context, 'Pod', namespaceIn(words)), 'deploy/'];
  },
};

function selectPods(pods: readonly RunningPod[], namespace: string, selector: string): RunningPod[] {
  const wanted = selector.split(',').map((pair) => pair.split('=') as [string, string]);
  return pods.filter((pod) => pod.namespace === namespace && wanted.every(([key, value]) => pod.labels[key] === value));
}

/** The container asked for, else the first application container, told as kubectl tells it. */
export function chooseContainer(pod: RunningPod, asked: string | undefined, io: CommandIo): string {
  const listed = pod.containers.map((container) =>
    container.kind === 'init' ? `${container.name} (init)` : container.name,
  );
  if (asked !== undefined) {
    if (pod.containers.some((container) => container.name === asked)) return asked;
    throw new UsageError(
      `error: container ${asked} is not valid for pod ${pod.name}, choose one of: ${listed.join(', ')}`,
    );
  }
  const first =
    pod.containers.find((container) => container.kind === 'app') ??
    pod.containers.find((container) => container.kind !== 'init');
  if (!first) throw new UsageError(`error: pod ${pod.name} has no container`);
  if (pod.containers.length > 1) io.err(`Defaulted container "${first.name}" out of: ${listed.join(', ')}\n`);
  return first.name;
}

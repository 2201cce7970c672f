import { parseLabelSelector } from '#kube-api';
import type { RunningPod } from '#sandbox';
import { type Flags, onOff, readCount, readSeconds, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { streamApi } from './api.ts';
import { chooseContainer } from './containers.ts';
import { usage } from './errors.ts';
import { aborted } from './get.ts';
import { completePods, findPods } from './targets.ts';

/** Lines per container when pods are chosen by label. */
const TAIL_WITH_SELECTOR = 10;

export const logs: Verb = {
  name: 'logs',
  manual: `kubectl logs [-f] [-c container] [--tail n] [--since 5m] [--timestamps] [--previous] [--prefix] [--all-containers] <pod | deploy/name> [-n namespace] | -l selector
Prints a container's log. -c istio-proxy shows the proxy's access log, one line per request.`,
  flags: {
    follow: onOff('f'),
    container: value('c'),
    selector: value('l'),
    tail: value(),
    'all-containers': onOff(),
    prefix: onOff(),
    since: value(),
    'since-time': value(),
    timestamps: onOff(),
    previous: onOff('p'),
    'limit-bytes': value(),
    'max-log-requests': value(),
    'ignore-errors': onOff(),
  },
  run: async (flags, io, context) => {
    const streams = chooseStreams(flags, io, context);
    if (streams.length === 0) {
      io.err(`No resources found in ${namespaceOf(flags, context)} namespace.\n`);
      return 0;
    }
    const tail = readTail(flags);
    const query = serverQuery(flags, tail);
    if (query) {
      await fromServer(streams, query, io, context);
      return 0;
    }
    for (const { pod, container, prefix } of streams) {
      const lines = pod.logs(container);
      const shown = tail === undefined ? lines : lines.slice(Math.max(0, lines.length - tail));
      for (const line of shown) io.out(`${prefix}${line}\n`);
    }
    if (!flags.on('follow')) return 0;
    const ends = streams.map(({ pod, container, prefix }) =>
      pod.followLogs(container, (line) => io.out(`${prefix}${line}\n`)),
    );
    await aborted(io.signal);
    for (const end of ends) end();
    return 0;
  },
  complete: completePods,
};

/** What only the API server keeps: the times of lines, and the run before a restart. Undefined: nothing of it is asked for. */
function serverQuery(flags: Flags, tail: number | undefined): URLSearchParams | undefined {
  const query = new URLSearchParams();
  if (flags.on('timestamps')) query.set('timestamps', 'true');
  if (flags.on('previous')) query.set('previous', 'true');
  const [since, sinceTime, limit] = [flags.text('since'), flags.text('since-time'), flags.text('limit-bytes')];
  if (since !== undefined && sinceTime !== undefined)
    throw new UsageError('error: at most one of `sinceTime` or `sinceSeconds` may be specified');
  if (since !== undefined) {
    const ms = /^0s?$/.test(since) ? 0 : readSeconds(since);
    if (ms === undefined)
      throw new UsageError(`error: invalid argument "${since}" for "--since" flag: time: invalid duration "${since}"`);
    if (ms > 0) query.set('sinceSeconds', String(Math.ceil(ms / 1000)));
  }
  if (sinceTime !== undefined) query.set('sinceTime', sinceTime);
  if (limit !== undefined) query.set('limitBytes', limit);
  if ([...query].length === 0) return undefined;
  if (tail !== undefined) query.set('tailLines', String(tail));
  if (flags.on('follow')) query.set('follow', 'true');
  return query;
}

/** Streams that are followed come together, others one after the other. */
async function fromServer(
  streams: readonly Stream[],
  query: URLSearchParams,
  io: CommandIo,
  context: ShellContext,
): Promise<void> {
  const read = async ({ pod, container, prefix }: Stream): Promise<void> => {
    const own = new URLSearchParams([...query, ['container', container]]);
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/log?${own}`;
    let rest = '';
    await streamApi({ path, signal: io.signal }, context, (piece) => {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) io.out(`${prefix}${line}\n`);
    });
    if (rest !== '') io.out(`${prefix}${rest}`);
  };
  if (query.has('follow')) await Promise.all(streams.map(read));
  else for (const stream of streams) await read(stream);
}

interface Stream {
  readonly pod: RunningPod;
  readonly container: string;
  readonly prefix: string;
}

function chooseStreams(flags: Flags, io: CommandIo, context: ShellContext): Stream[] {
  const selector = flags.text('selector');
  const [word, second, more] = flags.words;
  if (selector !== undefined && word !== undefined)
    throw usage('logs', 'only a selector (-l) or a POD name is allowed');
  if ((selector === undefined && word === undefined) || more !== undefined)
    throw usage(
      'logs',
      "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
    );
  const pods =
    selector === undefined ? [namedPod(word ?? '', flags, io, context)] : selectPods(selector, flags, context);
  return pods.flatMap((pod) => {
    const choice = { pod, asked: flags.text('container') ?? second, verb: 'logs' } as const;
    const chosen = flags.on('all-containers')
      ? pod.containers.map(({ name }) => name)
      : [chooseContainer(choice, io, context)];
    return chosen.map((container) => ({
      pod,
      container,
      prefix: flags.on('prefix') ? `[pod/${pod.name}/${container}] ` : '',
    }));
  });
}

function namedPod(word: string, flags: Flags, io: CommandIo, context: ShellContext): RunningPod {
  const pods = findPods(context, namespaceOf(flags, context), word);
  if (pods.length > 1) io.err(`Found ${pods.length} pods, using pod/${pods[0].name}\n`);
  return pods[0];
}

function selectPods(selector: string, flags: Flags, context: ShellContext): RunningPod[] {
  const matches = parseLabelSelector(selector);
  return context.sandbox.pods.filter((pod) => pod.namespace === namespaceOf(flags, context) && matches(pod.labels));
}

/** Undefined: all lines. */
function readTail(flags: Flags): number | undefined {
  const text = flags.text('tail');
  if (text === undefined) return flags.text('selector') === undefined ? undefined : TAIL_WITH_SELECTOR;
  const count = readCount(text, -1);
  if (count === undefined)
    throw new UsageError(
      `Error: invalid argument "${text}" for "--tail" flag: strconv.ParseInt: parsing "${text}": invalid syntax\nSee 'kubectl logs --help' for usage.`,
    );
  return count < 0 ? undefined : count;
}

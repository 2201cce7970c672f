import { parseLabelSelector } from '#kube-api';
import type { RunningPod } from '#sandbox';
import { type Flags, onOff, readCount, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { chooseContainer } from './containers.ts';
import { usage } from './errors.ts';
import { aborted } from './get.ts';
import { completePods, findPods } from './targets.ts';

/** Flags that need what the lab does not keep, and what to use. */
const NOT_KEPT = {
  since: 'lines are kept without their times. Use --tail=<lines>; lines of istio-proxy begin with the time',
  timestamps: 'lines are kept without their times; lines of istio-proxy begin with it',
} as const;

/** Lines per container when pods are chosen by label. */
const TAIL_WITH_SELECTOR = 10;

export const logs: Verb = {
  name: 'logs',
  manual: `kubectl logs [-f] [-c container] [--tail n] [--prefix] [--all-containers] <pod | deploy/name> [-n namespace] | -l selector
Prints a container's log. -c istio-proxy shows the proxy's access log, one line per request.`,
  flags: {
    follow: onOff('f'),
    container: value('c'),
    selector: value('l'),
    tail: value(),
    'all-containers': onOff(),
    prefix: onOff(),
    since: value(),
    timestamps: onOff(),
  },
  run: async (flags, io, context) => {
    for (const [flag, instead] of Object.entries(NOT_KEPT))
      if (flags.text(flag) !== undefined) throw new UsageError(`error: --${flag} is not known here: ${instead}`);
    const streams = chooseStreams(flags, io, context);
    if (streams.length === 0) {
      io.err(`No resources found in ${namespaceOf(flags, context)} namespace.\n`);
      return 0;
    }
    const tail = readTail(flags);
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

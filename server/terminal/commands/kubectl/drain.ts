import { type KubeObject, pause } from '#domain';
import { type Flags, onOff, readSeconds, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import type { Verb } from '../verb.ts';
import { askApi } from './api.ts';
import { nodesNamed, schedule } from './nodes.ts';
import { findKind, getObject, listObjects, names, printedName, storeKind } from './targets.ts';

/** How soon an eviction that a budget forbids is asked for again. */
const RETRY_MS = 5000;
const DEFAULT_WAIT_MS = 168 * 3_600_000;

interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string; readonly volumes?: readonly object[] };
  readonly status?: { readonly phase?: string };
}

export const drain: Verb = {
  name: 'drain',
  manual: `kubectl drain <node> [--ignore-daemonsets] [--delete-emptydir-data] [--force] [--grace-period=n] [--timeout=30s]
Keeps new pods away from a node and moves those that it has, as far as their disruption budgets allow. Pods with a sidecar of Istio have
emptyDir volumes, so that --delete-emptydir-data is needed for them, as on a real cluster.`,
  flags: {
    'ignore-daemonsets': onOff(),
    'delete-emptydir-data': onOff(),
    force: onOff(),
    'grace-period': value(),
    timeout: value(),
  },
  run: async (flags, io, context) => {
    const [word, more] = flags.words;
    if (word === undefined || more !== undefined) throw new UsageError('error: USAGE: drain NODE [flags]');
    const [node] = nodesNamed(context, [word]);
    if (node === undefined) return 1;
    getObject(context, node.kind, '', node.name);
    io.out(schedule(context, node, { away: true }));
    const pods = (listObjects(context, findKind(context, 'pod'), {}) as Pod[]).filter(
      ({ spec }) => spec?.nodeName === node.name,
    );
    const leaving = chooseLeaving(pods, flags, node.name, io);
    const untilMs = context.clock.monotonic() + timeoutOf(flags);
    const moved = await Promise.all(leaving.map((pod) => evict(pod, flags, untilMs, { io, context })));
    if (io.signal.aborted) return 130;
    if (moved.includes(false)) {
      io.err(
        `error: unable to drain node "${node.name}" due to error: global timeout reached, continuing command...\n`,
      );
      return 1;
    }
    io.out(`${printedName(node.kind, node.name)} drained\n`);
    return 0;
  },
  complete: (_words, context) => names(context, 'node', undefined),
};

const nameOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`;
const controllerOf = ({ metadata }: Pod): string | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true)?.kind;
const hasLocalFiles = ({ spec }: Pod): boolean => (spec?.volumes ?? []).some((volume) => 'emptyDir' in volume);

/** The pods that are to go. Throws UsageError where some may not, in kubectl's words. */
function chooseLeaving(pods: readonly Pod[], flags: Flags, node: string, io: CommandIo): readonly Pod[] {
  const daemons = pods.filter((pod) => controllerOf(pod) === 'DaemonSet');
  const others = pods.filter((pod) => !daemons.includes(pod));
  const running = others.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  const lone = running.filter((pod) => controllerOf(pod) === undefined);
  const local = running.filter(hasLocalFiles);
  const told = (some: readonly Pod[]): string => some.map(nameOf).join(', ');
  const faults = [
    ...(daemons.length > 0 && !flags.on('ignore-daemonsets')
      ? [`cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${told(daemons)}`]
      : []),
    ...(local.length > 0 && !flags.on('delete-emptydir-data')
      ? [`cannot delete Pods with local storage (use --delete-emptydir-data to override): ${told(local)}`]
      : []),
    ...(lone.length > 0 && !flags.on('force')
      ? [`cannot delete Pods that declare no controller (use --force to override): ${told(lone)}`]
      : []),
  ];
  if (faults.length > 0)
    throw new UsageError(
      `error: unable to drain node "${node}" due to error: [${faults.join(', ')}], continuing command...\nThere are pending nodes to be drained:\n ${node}\n${faults.join('\n')}`,
    );
  if (daemons.length > 0) io.err(`Warning: ignoring DaemonSet-managed Pods: ${told(daemons)}\n`);
  return others;
}

function timeoutOf(flags: Flags): number {
  const asked = flags.text('timeout');
  const ms = asked === undefined ? 0 : readSeconds(asked);
  if (ms === undefined) throw new UsageError(`error: invalid argument "${asked}" for "--timeout" flag`);
  return ms === 0 ? DEFAULT_WAIT_MS : ms;
}

/** Asks until the pod may go, then waits until it is gone; false when the time was up before. */
async function evict(
  pod: Pod,
  flags: Flags,
  untilMs: number,
  { io, context }: { readonly io: CommandIo; readonly context: ShellContext },
): Promise<boolean> {
  const { namespace = '', name, uid } = pod.metadata;
  const grace = flags.text('grace-period');
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    ...(grace !== undefined && { deleteOptions: { gracePeriodSeconds: Number(grace) } }),
  };
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  const left = (): number => untilMs - context.clock.monotonic();
  for (;;) {
    io.err(`evicting pod ${nameOf(pod)}\n`);
    try {
      await askApi({ method: 'POST', path, body, signal: io.signal }, context);
      break;
    } catch (error) {
      if (io.signal.aborted) return false;
      if (!(error instanceof UsageError) || !error.message.includes('TooManyRequests')) throw error;
      const why = error.message.replace(/^Error from server \(\w+\): /, '');
      if (left() <= RETRY_MS) {
        io.err(`error when evicting pods/"${name}" -n "${namespace}": global timeout reached\n`);
        return false;
      }
      io.err(`error when evicting pods/"${name}" -n "${namespace}" (will retry after 5s): ${why}\n`);
      await pause({ clock: context.clock, signal: io.signal }, RETRY_MS);
      if (io.signal.aborted) return false;
    }
  }
  const kind = storeKind(context, findKind(context, 'pod'));
  const isGone = (): boolean => context.sandbox.store.get(kind, { namespace, name })?.metadata.uid !== uid;
  await context.sandbox
    .until(() => io.signal.aborted || isGone(), Math.max(1, left()), 'eviction')
    .catch(() => undefined);
  if (!isGone()) return false;
  io.out(`pod/${name} evicted\n`);
  return true;
}

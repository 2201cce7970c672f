import type { RunningPod } from '#sandbox';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** All containers of a pod as kubectl lists them: those that run, then the init steps. */
function containerNames(pod: RunningPod): string[] {
  const running = pod.containers.filter(({ kind }) => kind !== 'init').map(({ name }) => name);
  return [...running, ...pod.containers.filter(({ kind }) => kind === 'init').map(({ name }) => `${name} (init)`)];
}

export interface ContainerChoice {
  readonly pod: RunningPod;
  readonly asked: string | undefined;
  /** `kubectl logs` and `kubectl exec` differ in what they say of a wrong name. */
  readonly verb: 'logs' | 'exec';
}

/** The container asked for, else the pod's default one, else the first, which is told. */
export function chooseContainer({ pod, asked, verb }: ContainerChoice, io: CommandIo, context: ShellContext): string {
  if (asked !== undefined) {
    if (pod.containers.some(({ name }) => name === asked)) return asked;
    throw new UsageError(
      verb === 'logs'
        ? `error: container ${asked} is not valid for pod ${pod.name} out of: ${containerNames(pod).join(', ')}`
        : `error: container ${asked} not found in pod ${pod.name} out of: ${containerNames(pod).join(', ')}`,
    );
  }
  const stored = context.sandbox.store.get('Pod', { namespace: pod.namespace, name: pod.name });
  const preferred = stored?.metadata.annotations?.[DEFAULT_CONTAINER];
  if (preferred !== undefined && pod.containers.some(({ name }) => name === preferred)) return preferred;
  const first = pod.containers.find(({ kind }) => kind === 'app') ?? pod.containers.find(({ kind }) => kind !== 'init');
  if (!first) throw new UsageError(`error: pod ${pod.name} has no container`);
  if (pod.containers.length > 1)
    io.err(`Defaulted container "${first.name}" out of: ${containerNames(pod).join(', ')}\n`);
  return first.name;
}

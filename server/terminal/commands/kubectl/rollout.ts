import { errorMessage, type KubeObject } from '#domain';
import { onOff, readSeconds, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { usage } from './errors.ts';
import { printHistory, setPaused, undo } from './rollout-history.ts';
import { completeTargets, getObject, listObjects, printedName, readTargets } from './targets.ts';
import { mergeInto, type Named } from './write.ts';

const ROLLOUT_WAIT_MS = 60_000;

/** What kubectl calls that which does each of them. */
const NOUNS = {
  restart: 'restarter',
  status: 'status viewer',
  history: 'history viewer',
  undo: 'rollbacker',
  pause: 'pauser',
  resume: 'resumer',
} as const;

type Action = keyof typeof NOUNS;

export const rollout: Verb = {
  name: 'rollout',
  manual: `kubectl rollout restart <deploy/name | deployment> [-n namespace]   makes new pods, one deployment after the other
kubectl rollout status <deploy/name> [--timeout 60s] [-n namespace]  waits until the new pods are ready
kubectl rollout history <deploy/name> [--revision=n]     kubectl rollout undo <deploy/name> [--to-revision=n]
kubectl rollout pause | resume <deploy/name>             changes of the template wait, and go on`,
  flags: {
    timeout: value(),
    watch: onOff('w'),
    selector: value('l'),
    revision: value(),
    'to-revision': value(),
  },
  run: async (flags, io, context) => {
    const [action, ...words] = flags.words;
    if (action === undefined || !Object.hasOwn(NOUNS, action))
      throw usage('rollout', `unknown command "${action ?? ''}"`);
    if (words.length === 0) throw new UsageError('error: required resource not specified');
    const namespace = namespaceOf(flags, context);
    const targets = readTargets(context, words, 'rollout').flatMap(({ kind, name }): Named[] =>
      name !== undefined
        ? [{ kind, name, namespace }]
        : listObjects(context, kind, { namespace, labelSelector: flags.text('selector') }).map(({ metadata }) => ({
            kind,
            name: metadata.name,
            namespace,
          })),
    );
    const asked = flags.text('timeout');
    const timeoutMs = asked === undefined ? ROLLOUT_WAIT_MS : readSeconds(asked);
    if (timeoutMs === undefined) throw new UsageError(`error: invalid duration "${asked}"`);
    for (const target of targets) {
      getObject(context, target.kind, namespace, target.name);
      if (target.kind.kind !== 'Deployment')
        throw new UsageError(`error: no ${NOUNS[action as Action]} has been implemented for ${target.kind.kind}`);
      switch (action as Action) {
        case 'restart':
          restart(target, io, context);
          break;
        case 'history':
          printHistory(target, flags.text('revision'), io, context);
          break;
        case 'undo':
          undo(target, flags.text('to-revision'), io, context);
          break;
        case 'status':
          await waitForRollout(target, { io, context, timeoutMs: timeoutMs || ROLLOUT_WAIT_MS });
          break;
        default:
          setPaused(target, action === 'pause', io, context);
      }
    }
    return 0;
  },
  complete: ({ words, namespace }, context) =>
    words.length <= 1
      ? Object.keys(NOUNS)
      : completeTargets({ words: words.slice(1), namespace }, context).filter(
          (word) => words.length > 2 || word.includes('/') || word.startsWith('deploy'),
        ),
};

function restart(target: Named, io: CommandIo, context: ShellContext): void {
  const { spec } = getObject(context, target.kind, target.namespace, target.name);
  if ((spec as { paused?: boolean }).paused === true)
    throw new UsageError(
      `error: deployments.apps "${target.name}" can't restart paused deployment (run rollout resume first)`,
    );
  const restartedAt = new Date(context.clock.now()).toISOString();
  const template = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } } };
  mergeInto(context, target, { spec: { template } }, `kubectl rollout restart ${target.name}`);
  io.out(`${printedName(target.kind, target.name)} restarted\n`);
}

interface Waiting {
  readonly io: CommandIo;
  readonly context: ShellContext;
  readonly timeoutMs: number;
}

async function waitForRollout({ kind, name, namespace }: Named, { io, context, timeoutMs }: Waiting): Promise<void> {
  let told = '';
  const done = (): boolean => {
    const missing = whatIsMissing(getObject(context, kind, namespace, name));
    if (missing !== undefined && missing !== told)
      io.out(`Waiting for deployment "${name}" rollout to finish: ${missing}...\n`);
    told = missing ?? told;
    return missing === undefined || io.signal.aborted;
  };
  try {
    await context.sandbox.until(done, timeoutMs, `deployment ${name} rolled out`);
  } catch (error) {
    if (whatIsMissing(getObject(context, kind, namespace, name)) === undefined) throw error;
    throw new UsageError(`error: timed out waiting for the condition (${errorMessage(error)})`);
  }
  if (!io.signal.aborted) io.out(`deployment "${name}" successfully rolled out\n`);
}

interface DeploymentStatus {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  availableReplicas?: number;
}

/** What a rollout still waits for, in kubectl's words; undefined when it is finished. */
function whatIsMissing(object: KubeObject): string | undefined {
  const wanted = ((object.spec ?? {}) as { replicas?: number }).replicas ?? 1;
  const {
    observedGeneration = 0,
    replicas = 0,
    updatedReplicas = 0,
    availableReplicas = 0,
  } = (object.status ?? {}) as DeploymentStatus;
  if (observedGeneration < (object.metadata.generation ?? 0)) return 'spec update to be observed';
  if (updatedReplicas < wanted) return `${updatedReplicas} out of ${wanted} new replicas have been updated`;
  if (replicas > updatedReplicas) return `${replicas - updatedReplicas} old replicas are pending termination`;
  if (availableReplicas < updatedReplicas)
    return `${availableReplicas} of ${updatedReplicas} updated replicas are available`;
  return undefined;
}

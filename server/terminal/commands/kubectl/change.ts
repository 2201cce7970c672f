import { type ShellContext, UsageError } from '../../command.ts';
import { readFlags } from '../../flags.ts';
import {
  commonFlags,
  completeTargets,
  getObject,
  namespaceOf,
  printedName,
  readTargets,
  storeKind,
  type Target,
} from './targets.ts';
import type { Verb } from './verb.ts';

interface Named {
  readonly kind: Target['kind'];
  readonly name: string;
  readonly namespace: string;
}

function write(context: ShellContext, { kind, name, namespace }: Named, patch: object, title: string): boolean {
  const address = { namespace: kind.namespaced ? namespace : '', name };
  const before = getObject(context, kind, namespace, name).metadata.resourceVersion;
  const changeId = context.mintChangeId();
  context.sandbox.store.patch(storeKind(context, kind), address, patch, { changeId, fieldManager: 'kubectl' });
  const changed = getObject(context, kind, namespace, name).metadata.resourceVersion !== before;
  if (changed) context.changed(changeId, title);
  return changed;
}

/** Splits `kind name key=value key-` into the object and its pairs. */
function readPairs(
  context: ShellContext,
  words: readonly string[],
  namespace: string,
): { targets: Named[]; pairs: Record<string, string | null> } {
  const pairWords = words.filter((word) => /^[\w./-]+=/.test(word) || /^[\w./-]+-$/.test(word));
  const pairs: Record<string, string | null> = {};
  for (const word of pairWords) {
    const at = word.indexOf('=');
    if (at > 0) pairs[word.slice(0, at)] = word.slice(at + 1);
    else pairs[word.slice(0, -1)] = null;
  }
  const targets = readTargets(
    context,
    words.filter((word) => !pairWords.includes(word)),
  ).map(({ kind, name }) => {
    if (name === undefined) throw new UsageError('error: one or more names must be given');
    return { kind, name, namespace };
  });
  if (pairWords.length === 0) throw new UsageError('error: at least one key=value (or key- to remove) is needed');
  return { targets, pairs };
}

function metadataVerb(name: 'label' | 'annotate', field: 'labels' | 'annotations'): Verb {
  return {
    name,
    manual: `kubectl ${name} <kind> <name> key=value [key-] [--overwrite] [-n namespace]`,
    run: async (args, io, context) => {
      const flags = readFlags(args, { ...commonFlags, overwrite: { type: 'boolean' } });
      const { targets, pairs } = readPairs(context, flags.words, namespaceOf(flags));
      for (const target of targets) {
        const current = getObject(context, target.kind, target.namespace, target.name).metadata[field] ?? {};
        const clash = Object.entries(pairs).find(
          ([key, value]) => value !== null && current[key] !== undefined && current[key] !== value,
        );
        if (clash && !flags.on('overwrite')) {
          throw new UsageError(
            `error: '${clash[0]}' already has a value (${current[clash[0]]}), and --overwrite is false`,
          );
        }
        const changed = write(context, target, { metadata: { [field]: pairs } }, `kubectl ${name} ${target.name}`);
        io.out(
          `${printedName(target.kind, target.name)} ${changed ? (name === 'label' ? 'labeled' : 'annotated') : 'not changed'}\n`,
        );
      }
      return 0;
    },
    complete: completeTargets,
  };
}

export const label = metadataVerb('label', 'labels');
export const annotate = metadataVerb('annotate', 'annotations');

export const scale: Verb = {
  name: 'scale',
  manual: 'kubectl scale <deploy/name | deployment name> --replicas=n [-n namespace]',
  run: async (args, io, context) => {
    const flags = readFlags(args, { ...commonFlags, replicas: { type: 'string' } });
    const replicas = Number(flags.text('replicas'));
    if (!Number.isInteger(replicas) || replicas < 0)
      throw new UsageError('error: --replicas=COUNT must be a whole number');
    for (const { kind, name } of readTargets(context, flags.words)) {
      if (name === undefined) throw new UsageError('error: a name is needed');
      write(
        context,
        { kind, name, namespace: namespaceOf(flags) },
        { spec: { replicas } },
        `kubectl scale ${name} --replicas=${replicas}`,
      );
      io.out(`${printedName(kind, name)} scaled\n`);
    }
    return 0;
  },
  complete: completeTargets,
};

export const patch: Verb = {
  name: 'patch',
  manual: `kubectl patch <kind> <name> --type=merge -p '{"spec":{…}}' [-n namespace]`,
  run: async (args, io, context) => {
    const flags = readFlags(args, { ...commonFlags, patch: { type: 'string', short: 'p' }, type: { type: 'string' } });
    const type = flags.text('type') ?? 'merge';
    if (type !== 'merge') throw new UsageError(`error: this terminal patches with --type=merge, not ${type}`);
    const body = parseJson(flags.text('patch') ?? '');
    for (const { kind, name } of readTargets(context, flags.words)) {
      if (name === undefined) throw new UsageError('error: a name is needed');
      const changed = write(context, { kind, name, namespace: namespaceOf(flags) }, body, `kubectl patch ${name}`);
      io.out(`${printedName(kind, name)} patched${changed ? '' : ' (no change)'}\n`);
    }
    return 0;
  },
  complete: completeTargets,
};

function parseJson(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw new UsageError(`error: unable to parse the patch: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new UsageError('error: a patch is a JSON object');
}

interface DeploymentStatus {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  availableReplicas?: number;
}

const ROLLOUT_WAIT_MS = 60_000;

export const rollout: Verb = {
  name: 'rollout',
  manual: `kubectl rollout restart <deploy/name | deployment> [-n namespace]   makes new pods, one deployment after the other
kubectl rollout status <deploy/name> [-n namespace]                waits until the new pods are ready`,
  run: async (args, io, context) => {
    const [action, ...rest] = args;
    const flags = readFlags(rest, { ...commonFlags, timeout: { type: 'string' } });
    const namespace = namespaceOf(flags);
    const targets = readTargets(context, flags.words).flatMap(({ kind, name }) =>
      name
        ? [{ kind, name }]
        : context.sandbox.store
            .list(storeKind(context, kind), { namespace })
            .map((object) => ({ kind, name: object.metadata.name })),
    );
    for (const { kind, name } of targets) {
      if (kind.kind !== 'Deployment')
        throw new UsageError(`error: ${kind.plural} "${name}" ${action} is not supported`);
      if (action === 'restart') {
        const restartedAt = new Date(context.clock.now()).toISOString();
        const template = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } } };
        write(context, { kind, name, namespace }, { spec: { template } }, `kubectl rollout restart ${name}`);
        io.out(`${printedName(kind, name)} restarted\n`);
      } else if (action === 'status') {
        const done = (): boolean => rolledOut(getObject(context, kind, namespace, name));
        if (!done()) io.out(`Waiting for deployment "${name}" rollout to finish…\n`);
        await context.sandbox.until(done, ROLLOUT_WAIT_MS, `deployment ${name} rolled out`);
        io.out(`deployment "${name}" successfully rolled out\n`);
      } else throw new UsageError('error: kubectl rollout knows restart and status here');
    }
    return 0;
  },
  complete: (words, context) => (words.length <= 1 ? ['restart', 'status'] : completeTargets(words.slice(1), context)),
};

function rolledOut(object: ReturnType<typeof getObject>): boolean {
  const wanted = ((object.spec ?? {}) as { replicas?: number }).replicas ?? 1;
  const status = (object.status ?? {}) as DeploymentStatus;
  return (
    (status.observedGeneration ?? 0) >= (object.metadata.generation ?? 0) &&
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted
  );
}

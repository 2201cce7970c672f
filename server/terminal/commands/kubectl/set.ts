import type { KubeObject } from '#domain';
import { onOff, value } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import type { Verb } from '../verb.ts';
import { usage } from './errors.ts';
import { completeTargets, getObject, printedName } from './targets.ts';
import { choiceFlags, chosen, type Named, writeChange } from './write.ts';

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly configMapKeyRef?: { readonly name: string; readonly key: string };
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
  };
}

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly env?: readonly EnvVar[];
}

type Change = (container: Container) => Container;

/** `A=b` and `A-` behind the objects' words. */
const isPair = (word: string): boolean =>
  /^[-._a-zA-Z*][-._a-zA-Z0-9]*=/.test(word) || /^[._a-zA-Z][-._a-zA-Z0-9]*-$/.test(word);

export const set: Verb = {
  name: 'set',
  manual: `kubectl set env <deploy/name> KEY=value… [KEY-] [-c container] [-n namespace]   kubectl set env <deploy/name> --list
kubectl set image <deploy/name> container=image… [-n namespace]
Changes the pods' template: new pods are made, one after the other.`,
  flags: { ...choiceFlags, list: onOff(), containers: value('c'), overwrite: onOff(), 'dry-run': value() },
  run: async (flags, io, context) => {
    const [action, ...words] = flags.words;
    if (action !== 'env' && action !== 'image')
      throw usage('set', `unknown command "${action ?? ''}"; env and image are known here`);
    const pairs = words.filter(isPair);
    const targets = chosen(
      context,
      words.filter((word) => !isPair(word)),
      flags,
      `set ${action}`,
    );
    const pattern = flags.text('containers') ?? '*';
    if (flags.on('list')) {
      for (const target of targets) io.out(listed(context, target, pattern));
      return 0;
    }
    if (pairs.length === 0)
      throw usage(
        `set ${action}`,
        action === 'env'
          ? 'at least one environment variable must be provided'
          : 'at least one image update is required',
      );
    for (const target of targets) {
      const containers = containersOf(getObject(context, target.kind, target.namespace, target.name), target);
      const changes = action === 'env' ? envChanges(containers, pairs, pattern) : imageChanges(containers, pairs);
      const name = printedName(target.kind, target.name);
      if ((flags.text('dry-run') ?? 'none') !== 'none') {
        io.out(`${name} ${action} updated (dry run)\n`);
        continue;
      }
      const changed = writeChange(context, target, `kubectl set ${action} ${target.name}`, (current, options) =>
        context.sandbox.store.update(withContainers(current, target, changes), options),
      );
      if (changed) io.out(`${name} ${action} updated\n`);
    }
    return 0;
  },
  complete: ({ words, namespace }, context) =>
    words.length <= 1 ? ['env', 'image'] : completeTargets({ words: words.slice(1), namespace }, context),
};

interface PodSpec {
  readonly containers: readonly Container[];
}

function podSpecOf(object: KubeObject, { kind }: Named): PodSpec {
  const spec = (object.spec ?? {}) as { template?: { spec?: PodSpec } } & Partial<PodSpec>;
  const found = kind.kind === 'Pod' ? spec : spec.template?.spec;
  if (found?.containers === undefined)
    throw new UsageError(`error: ${kind.plural} "${object.metadata.name}" does not have a pod template`);
  return found as PodSpec;
}

const containersOf = (object: KubeObject, target: Named): readonly Container[] => podSpecOf(object, target).containers;

function withContainers(object: KubeObject, target: Named, change: Change): KubeObject {
  const podSpec = podSpecOf(object, target);
  const changed = { ...podSpec, containers: podSpec.containers.map(change) };
  if (target.kind.kind === 'Pod') return { ...object, spec: changed };
  const spec = object.spec as { template: object };
  return { ...object, spec: { ...spec, template: { ...spec.template, spec: changed } } };
}

/** `*` and `?` as in file names. */
function picks(pattern: string, name: string): boolean {
  const source = [...pattern]
    .map((char) => (char === '*' ? '.*' : char === '?' ? '.' : char.replace(/[^\w-]/, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`).test(name);
}

function envChanges(containers: readonly Container[], pairs: readonly string[], pattern: string): Change {
  if (!containers.some(({ name }) => picks(pattern, name)))
    throw new UsageError(`error: no containers match "${pattern}"`);
  const removed = new Set(pairs.filter((pair) => !pair.includes('=')).map((pair) => pair.slice(0, -1)));
  const given = pairs
    .filter((pair) => pair.includes('='))
    .map((pair): EnvVar => ({ name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1) }));
  return (container) => {
    if (!picks(pattern, container.name)) return container;
    const kept = (container.env ?? []).filter(({ name }) => !removed.has(name));
    const env = [
      ...kept.map((own) => given.find(({ name }) => name === own.name) ?? own),
      ...given.filter(({ name }) => !kept.some((own) => own.name === name)),
    ];
    const { env: _, ...rest } = container;
    return env.length === 0 ? rest : { ...rest, env };
  };
}

function imageChanges(containers: readonly Container[], pairs: readonly string[]): Change {
  const images = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  for (const name of images.keys())
    if (name !== '*' && !containers.some((container) => container.name === name))
      throw new UsageError(`error: unable to find container named "${name}"`);
  return (container) => {
    const image = images.get(container.name) ?? images.get('*');
    return image === undefined ? container : { ...container, image };
  };
}

function listed(context: ShellContext, target: Named, pattern: string): string {
  const object = getObject(context, target.kind, target.namespace, target.name);
  return containersOf(object, target)
    .filter(({ name }) => picks(pattern, name))
    .flatMap(({ name, env = [] }) => [
      `# ${target.kind.kind} ${target.name}, container ${name}`,
      ...env.map((own) =>
        own.valueFrom === undefined ? `${own.name}=${own.value ?? ''}` : `# ${own.name} from ${sourceOf(own)}`,
      ),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function sourceOf({ valueFrom: { fieldRef, configMapKeyRef, secretKeyRef } = {} }: EnvVar): string {
  if (fieldRef) return `field path ${fieldRef.fieldPath}`;
  if (configMapKeyRef) return `configmap ${configMapKeyRef.name}, key ${configMapKeyRef.key}`;
  return secretKeyRef ? `secret ${secretKeyRef.name}, key ${secretKeyRef.key}` : 'elsewhere';
}

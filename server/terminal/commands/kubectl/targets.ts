import type { KindDefinition, KubeObject } from '#domain';
import { labelsMatch } from '#kube-api';
import type { RunningPod } from '#sandbox';
import { type ShellContext, UsageError } from '../../command.ts';
import type { Typed } from '../verb.ts';

export function findKind(context: ShellContext, word: string): KindDefinition {
  const kind = context.sandbox.store.kinds.find(word);
  if (!kind) throw new UsageError(`error: the server doesn't have a resource type "${word}"`);
  return kind;
}

/** The store's name for a kind; the group is added where two groups share one. */
export function storeKind(context: ShellContext, kind: KindDefinition): string {
  const shared = context.sandbox.store.kinds.all.filter((other) => other.kind === kind.kind).length > 1;
  return shared ? `${kind.kind}.${kind.group}` : kind.kind;
}

export interface Target {
  readonly kind: KindDefinition;
  /** Undefined: all of the kind. */
  readonly name: string | undefined;
}

/** Reads `pods`, `pods a b`, `pod/a svc/b`, `vs,dr`, `all`. `verb` is named in what is said when nothing is given. */
export function readTargets(context: ShellContext, words: readonly string[], verb: string): Target[] {
  const [first, ...names] = words;
  if (first === undefined) {
    const list = 'Use "kubectl api-resources" for a complete list of supported resources.';
    throw new UsageError(`error: You must specify the type of resource to ${verb}. ${list}`);
  }
  const withSlash = words.filter((word) => word.includes('/'));
  if (withSlash.length > 0) {
    if (withSlash.length < words.length)
      throw new UsageError(
        "error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
      );
    return words.map((word) => {
      const [type = '', name = '', ...more] = word.split('/');
      if (type === '' || name === '' || more.length > 0)
        throw new UsageError('error: arguments in resource/name form may not have more than one slash');
      return { kind: findKind(context, type), name };
    });
  }
  const kinds = first.split(',').flatMap((type) => (type === 'all' ? allKinds(context) : [findKind(context, type)]));
  if (names.length === 0) return kinds.map((kind) => ({ kind, name: undefined }));
  return kinds.flatMap((kind) => names.map((name) => ({ kind, name })));
}

const allKinds = (context: ShellContext): KindDefinition[] =>
  context.sandbox.store.kinds.all.filter((kind) => kind.categories.includes('all'));

export interface Query {
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** The stored objects of a kind, in the order of namespace and name. */
export function listObjects(context: ShellContext, kind: KindDefinition, query: Query): KubeObject[] {
  return context.sandbox.store.list(storeKind(context, kind), {
    ...(kind.namespaced && query.namespace !== undefined ? { namespace: query.namespace } : {}),
    ...(query.labelSelector !== undefined ? { labelSelector: query.labelSelector } : {}),
    ...(query.fieldSelector !== undefined ? { fieldSelector: query.fieldSelector } : {}),
  });
}

export function getObject(context: ShellContext, kind: KindDefinition, namespace: string, name: string): KubeObject {
  const address = { namespace: kind.namespaced ? namespace : '', name };
  const found = context.sandbox.store.get(storeKind(context, kind), address);
  if (!found) throw notFound(kind, name);
  return found;
}

export function notFound(kind: KindDefinition, name: string): UsageError {
  return new UsageError(`Error from server (NotFound): ${resourceName(kind)} "${name}" not found`);
}

/** `virtualservices.networking.istio.io`, `pods`. */
const resourceName = (kind: KindDefinition): string =>
  kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;

/** `virtualservice.networking.istio.io`, `pod`: a kind as kubectl prints it. */
export const printedKind = (kind: KindDefinition): string =>
  `${kind.singular}${kind.group === '' ? '' : `.${kind.group}`}`;

/** `virtualservice.networking.istio.io/reviews`, `pod/a`. */
export const printedName = (kind: KindDefinition, name: string): string => `${printedKind(kind)}/${name}`;

/** Candidates for words after a verb: kinds first, then names of the kind; `pod/` is completed to names. */
export function completeTargets({ words, namespace }: Typed, context: ShellContext): readonly string[] {
  const last = words.at(-1) ?? '';
  const { kinds } = context.sandbox.store;
  const [type = '', ...slash] = last.split('/');
  if (slash.length > 0) {
    const kind = kinds.find(type);
    return kind ? names(context, storeKind(context, kind), namespace).map((name) => `${type}/${name}`) : [];
  }
  if (words.length <= 1) {
    const all = kinds.all.flatMap((kind) => [kind.plural, kind.singular, ...kind.shortNames]);
    const comma = last.lastIndexOf(',');
    return comma < 0 ? ['all', ...all] : all.map((name) => `${last.slice(0, comma + 1)}${name}`);
  }
  const kind = kinds.find(words[0] ?? '');
  return kind ? names(context, storeKind(context, kind), namespace) : [];
}

/** Candidates where a pod is expected: pods by name, deployments as `deploy/name`. */
export function completePods({ words, namespace }: Typed, context: ShellContext): readonly string[] {
  if (words.length > 1) return [];
  if (/^(?!pods?\/|deploy\/).*\//.test(words[0] ?? '')) return completeTargets({ words, namespace }, context);
  const pods = names(context, 'Pod', namespace);
  const deployments = names(context, 'Deployment', namespace).map((name) => `deploy/${name}`);
  return [...pods, ...pods.map((name) => `pod/${name}`), ...deployments];
}

/** Names of the stored objects of a kind; undefined: in all namespaces. */
export function names(context: ShellContext, kind: string, namespace: string | undefined): readonly string[] {
  const found = context.sandbox.store.kinds.find(kind);
  return found ? listObjects(context, found, { namespace }).map((object) => object.metadata.name) : [];
}

/** The running pods behind `pod-name`, `pod/x`, `deploy/x`, `svc/x`; those that are ready first. */
export function findPods(context: ShellContext, namespace: string, word: string): [RunningPod, ...RunningPod[]] {
  const [type = '', name = ''] = word.includes('/') ? word.split('/') : ['pod', word];
  const kind = findKind(context, type);
  const object = getObject(context, kind, namespace, name);
  const running =
    kind.kind === 'Pod'
      ? context.sandbox.pods.filter((pod) => pod.namespace === namespace && pod.name === name)
      : context.sandbox.pods.filter(
          (pod) => pod.namespace === namespace && labelsMatch(podSelector(object), pod.labels),
        );
  const ready = (pod: RunningPod): boolean => pod.containers.every(({ kind: use, ready: is }) => use === 'init' || is);
  const [first, ...more] = [...running.filter(ready), ...running.filter((pod) => !ready(pod))];
  if (!first)
    throw new UsageError(
      kind.kind === 'Pod'
        ? `Error from server (BadRequest): pod ${name} does not run yet`
        : `error: no pod of ${word} is running in namespace ${namespace}`,
    );
  return [first, ...more];
}

export const findPod = (context: ShellContext, namespace: string, word: string): RunningPod =>
  findPods(context, namespace, word)[0];

function podSelector(object: KubeObject): Readonly<Record<string, string>> | undefined {
  const { selector } = (object.spec ?? {}) as {
    selector?: { matchLabels?: Record<string, string> } & Record<string, unknown>;
  };
  return selector?.matchLabels ?? (selector as Record<string, string> | undefined);
}

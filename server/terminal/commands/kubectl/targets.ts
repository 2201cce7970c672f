import type { KindDefinition, KubeObject } from '#domain';
import { type ShellContext, UsageError } from '../../command.ts';
import type { FlagSpec, Flags } from '../../flags.ts';

/** Flags that nearly every verb knows. */
export const commonFlags: FlagSpec = {
  namespace: { type: 'string', short: 'n' },
  'all-namespaces': { type: 'boolean', short: 'A' },
  selector: { type: 'string', short: 'l' },
  output: { type: 'string', short: 'o' },
  filename: { type: 'string', short: 'f', multiple: true },
  context: { type: 'string' },
};

export const namespaceOf = (flags: Flags): string => flags.text('namespace') ?? 'default';

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

/** Reads `pods`, `pods a b`, `pod/a svc/b`, `vs,dr`, `all`. */
export function readTargets(context: ShellContext, words: readonly string[]): Target[] {
  const [first, ...names] = words;
  if (first === undefined) {
    throw new UsageError('error: You must specify the type of resource, for example: kubectl get pods');
  }
  if (first.includes('/')) {
    return words.map((word) => {
      const [type = '', name = ''] = word.split('/');
      return { kind: findKind(context, type), name };
    });
  }
  const kinds = first.split(',').flatMap((type) => (type === 'all' ? allKinds(context) : [findKind(context, type)]));
  if (names.length === 0) return kinds.map((kind) => ({ kind, name: undefined }));
  return kinds.flatMap((kind) => names.map((name) => ({ kind, name })));
}

const allKinds = (context: ShellContext): KindDefinition[] =>
  context.sandbox.store.kinds.all.filter((kind) => kind.categories.includes('all'));

export function getObject(context: ShellContext, kind: KindDefinition, namespace: string, name: string): KubeObject {
  const found = context.sandbox.store.get(storeKind(context, kind), {
    namespace: kind.namespaced ? namespace : '',
    name,
  });
  if (!found) throw notFound(kind, name);
  return found;
}

export function notFound(kind: KindDefinition, name: string): UsageError {
  return new UsageError(`Error from server (NotFound): ${resourceName(kind)} "${name}" not found`);
}

/** `virtualservices.networking.istio.io`, `pods`. */
export const resourceName = (kind: KindDefinition): string =>
  kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;

/** `virtualservice.networking.istio.io/reviews`, `pod/a`: what kubectl prints before a verb. */
export const printedName = (kind: KindDefinition, name: string): string =>
  `${kind.singular}${kind.group === '' ? '' : `.${kind.group}`}/${name}`;

/** Candidates for words after a verb: kinds first, then names of the kind. */
export function completeTargets(words: readonly string[], context: ShellContext): readonly string[] {
  const free = words.filter((word) => !word.startsWith('-'));
  const last = words.at(-1) ?? '';
  if (words.at(-2) === '-n' || words.at(-2) === '--namespace') return names(context, 'Namespace', undefined);
  if (last.includes('/')) {
    const type = last.split('/')[0] ?? '';
    const kind = context.sandbox.store.kinds.find(type);
    return kind ? names(context, storeKind(context, kind), namespaceIn(words)).map((name) => `${type}/${name}`) : [];
  }
  if (free.length <= 1) return context.sandbox.store.kinds.all.flatMap((kind) => [kind.plural, ...kind.shortNames]);
  const kind = context.sandbox.store.kinds.find(free[0] ?? '');
  return kind ? names(context, storeKind(context, kind), namespaceIn(words)) : [];
}

export const namespaceIn = (words: readonly string[]): string | undefined => {
  const at = words.findIndex((word) => word === '-n' || word === '--namespace');
  return at < 0 ? 'default' : words[at + 1];
};

export function names(context: ShellContext, kind: string, namespace: string | undefined): readonly string[] {
  return context.sandbox.store
    .list(kind, namespace === undefined ? {} : { namespace })
    .map((object) => object.metadata.name);
}

/** The newest ready pod behind `pod-name`, `pod/x`, `deploy/x`, `svc/x`. */
export function findPod(context: ShellContext, namespace: string, word: string) {
  const [type, name] = word.includes('/') ? (word.split('/') as [string, string]) : ['pod', word];
  const kind = findKind(context, type);
  const object = getObject(context, kind, namespace, name);
  const running =
    kind.kind === 'Pod'
      ? context.sandbox.pod({ namespace, name })
      : context.sandbox.pods.find((pod) => pod.namespace === namespace && matchesSelector(object, pod.labels));
  if (!running) throw new UsageError(`error: no running pod belongs to ${word} in namespace ${namespace}`);
  return running;
}

function matchesSelector(object: KubeObject, labels: Readonly<Record<string, string>>): boolean {
  const spec = (object.spec ?? {}) as { selector?: { matchLabels?: Record<string, string> } & Record<string, unknown> };
  const wanted = (spec.selector?.matchLabels ?? spec.selector ?? {}) as Record<string, string>;
  const pairs = Object.entries(wanted);
  return pairs.length > 0 && pairs.every(([key, value]) => labels[key] === value);
}

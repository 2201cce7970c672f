import type { Diagnostic, NamespacedName } from '#domain';
import { diagnostic } from '#istio';
import { KubeStatusError, type KubeStore } from '#kube-api';
import type { ServiceObject } from '../kube-types.ts';
import type { Candidate } from './manifests.ts';

/** What the API server would refuse, found by a dry run of each document; `isServiceIp` tells addresses that a Service may have. */
export function inspect(
  store: KubeStore,
  candidates: readonly Candidate[],
  isServiceIp: (ip: string) => boolean,
): Diagnostic[] {
  const ownNamespaces = new Set(
    candidates.filter(({ kind }) => kind.kind === 'Namespace').map(({ object }) => object.metadata.name),
  );
  return candidates.flatMap((candidate) => {
    const namespace = candidate.object.metadata.namespace;
    const comesAlong = namespace !== undefined && ownNamespaces.has(namespace) && !hasNamespace(store, namespace);
    return [...dryRun(store, candidate, comesAlong), ...clusterIpProblems(store, candidate, isServiceIp)];
  });
}

const hasNamespace = (store: KubeStore, name: string): boolean =>
  store.get('Namespace', { namespace: '', name } satisfies NamespacedName) !== undefined;

/** The words are those of the API server's allocator. */
function clusterIpProblems(
  store: KubeStore,
  { document, object, kind }: Candidate,
  isServiceIp: (ip: string) => boolean,
): Diagnostic[] {
  const ip = kind.kind === 'Service' ? (object.spec as ServiceObject['spec'] | undefined)?.clusterIP : undefined;
  if (ip === undefined || ip === '' || ip === 'None') return [];
  const path = 'spec.clusterIP';
  const failed = `${path}: Invalid value: "${ip}": failed to allocate IP ${ip}: `;
  if (!isServiceIp(ip))
    return [refusal(document, object, { path, message: `${failed}provided IP is not in the valid range` })];
  const owner = (store.list('Service') as ServiceObject[]).find(({ spec }) => spec.clusterIP === ip);
  const same = owner?.metadata.name === object.metadata.name && owner.metadata.namespace === object.metadata.namespace;
  return owner === undefined || same
    ? []
    : [refusal(document, object, { path, message: `${failed}provided IP is already allocated` })];
}

/** `inDefault`: the object's own namespace is created by the same apply; it is tried where there is one. */
function dryRun(store: KubeStore, { document, object }: Candidate, inDefault: boolean): Diagnostic[] {
  const tried = inDefault ? { ...object, metadata: { ...object.metadata, namespace: 'default' } } : object;
  try {
    store.apply(tried, { changeId: 'dry-run', dryRun: true });
    return [];
  } catch (thrown) {
    if (!(thrown instanceof KubeStatusError)) throw thrown;
    const causes = thrown.status.details?.causes ?? [];
    if (causes.length === 0) {
      const path =
        /unknown field "([^"]+)"/.exec(thrown.message)?.[1] ??
        (thrown.reason === 'NotFound' ? 'metadata.namespace' : '');
      return [refusal(document, object, { path, message: thrown.message })];
    }
    return causes.map(({ field, message }) => refusal(document, object, { path: field, message }));
  }
}

function refusal(
  document: Candidate['document'],
  object: Candidate['object'],
  { path, message }: { readonly path: string; readonly message: string },
): Diagnostic {
  return diagnostic('MW0013', {
    values: { what: message },
    origin: { kind: object.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name, path },
    location: document.locateKey(path),
  });
}

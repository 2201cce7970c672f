import type { KubeStore } from '#kube-api';
import { createWorkQueue } from './work-queue.ts';

const DEFAULT_ACCOUNT = 'default';
/** Where istiod publishes nothing. Source: namespacecontroller.go in istio. */
const IGNORED: ReadonlySet<string> = new Set(['kube-public', 'kube-node-lease', 'local-path-storage']);
/** On what istiod publishes. */
const ISTIO_LABEL = 'istio.io/config';

/** A file that istiod puts into a ConfigMap of each namespace. */
export interface PublishedFile {
  readonly configMap: string;
  readonly key: string;
  readonly text: string;
}

export interface NamespaceControllerOptions {
  readonly store: KubeStore;
  /** What istiod publishes in a namespace now: the mesh's root certificate, and what its CA has revoked; nothing while it is gone. */
  readonly published: (namespace: string) => readonly PublishedFile[];
  readonly onError: (what: string, error: unknown) => void;
}

export interface NamespaceController {
  /** Writes what is missing in every namespace, for example after the CA has started. */
  refresh(): void;
  stop(): void;
}

/**
 * Gives each namespace its default ServiceAccount and what istiod publishes; a ConfigMap of istiod's that somebody changed or removed is
 * put right (istio/pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go).
 */
export function startNamespaceController({
  store,
  published,
  onError,
}: NamespaceControllerOptions): NamespaceController {
  const queue = createWorkQueue({
    reconcile: (namespace, changeId) => {
      const stored = store.get('Namespace', { namespace: '', name: namespace });
      if (stored === undefined || stored.metadata.deletionTimestamp !== undefined) return;
      if (store.get('ServiceAccount', { namespace, name: DEFAULT_ACCOUNT }) === undefined) {
        const metadata = { name: DEFAULT_ACCOUNT, namespace };
        store.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }, { changeId });
      }
      if (IGNORED.has(namespace)) return;
      for (const file of published(namespace)) publish(store, namespace, file, changeId);
    },
    onError: (namespace, error) => onError(`namespace ${namespace}`, error),
  });
  const addAll = (changeId: string): void => {
    for (const { metadata } of store.list('Namespace')) queue.add(metadata.name, changeId);
  };
  const stopWatch = store.watch('Namespace', ({ type, object, changeId }) => {
    if (type !== 'DELETED') queue.add(object.metadata.name, changeId);
  });
  const stopMaps = store.watch('ConfigMap', ({ object: { metadata }, changeId }) => {
    if (metadata.labels?.[ISTIO_LABEL] === 'true') queue.add(metadata.namespace ?? '', changeId);
    // The mesh's configuration says where istiod looks.
    else if (metadata.name === 'istio') addAll(changeId);
  });
  return {
    refresh: () => addAll('system'),
    stop: () => {
      stopWatch();
      stopMaps();
      queue.stop();
    },
  };
}

function publish(
  store: KubeStore,
  namespace: string,
  { configMap: name, key, text }: PublishedFile,
  changeId: string,
): void {
  const data = { [key]: text };
  const present = store.get('ConfigMap', { namespace, name });
  if (present === undefined) {
    const metadata = { name, namespace, labels: { [ISTIO_LABEL]: 'true' } };
    store.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, { changeId });
  } else if ((present['data'] as Record<string, string> | undefined)?.[key] !== text) {
    store.patch('ConfigMap', { namespace, name }, { data }, { changeId });
  }
}

import type { KubeStore } from '#kube-api';
import { createWorkQueue } from './work-queue.ts';

const DEFAULT_ACCOUNT = 'default';

export interface NamespaceControllerOptions {
  readonly store: KubeStore;
  /** The mesh's root certificate, once there is a CA; istiod puts it into each namespace. */
  readonly rootCertificate: () => string | undefined;
  readonly onError: (what: string, error: unknown) => void;
}

export interface NamespaceController {
  /** Writes what is missing in every namespace, for example after the CA has started. */
  refresh(): void;
  stop(): void;
}

/** Gives each namespace its default ServiceAccount and the mesh's root certificate. */
export function startNamespaceController({
  store,
  rootCertificate,
  onError,
}: NamespaceControllerOptions): NamespaceController {
  const queue = createWorkQueue({
    reconcile: (namespace, changeId) => {
      if (store.get('Namespace', { namespace: '', name: namespace }) === undefined) return;
      if (store.get('ServiceAccount', { namespace, name: DEFAULT_ACCOUNT }) === undefined) {
        const metadata = { name: DEFAULT_ACCOUNT, namespace };
        store.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }, { changeId });
      }
      writeRoot(store, namespace, rootCertificate(), changeId);
    },
    onError: (namespace, error) => onError(`namespace ${namespace}`, error),
  });
  const stopWatch = store.watch('Namespace', ({ type, object, changeId }) => {
    if (type !== 'DELETED') queue.add(object.metadata.name, changeId);
  });
  return {
    refresh: () => {
      for (const { metadata } of store.list('Namespace')) queue.add(metadata.name, 'system');
    },
    stop: () => {
      stopWatch();
      queue.stop();
    },
  };
}

function writeRoot(store: KubeStore, namespace: string, root: string | undefined, changeId: string): void {
  if (root === undefined) return;
  const name = 'istio-ca-root-cert';
  const data = { 'root-cert.pem': root };
  if (store.get('ConfigMap', { namespace, name }) === undefined) {
    const metadata = { name, namespace, labels: { 'istio.io/config': 'true' } };
    store.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, { changeId });
  } else store.patch('ConfigMap', { namespace, name }, { data }, { changeId });
}

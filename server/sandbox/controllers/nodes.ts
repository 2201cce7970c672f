import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import { createWorkQueue } from './work-queue.ts';

interface NodeStatus {
  readonly conditions?: readonly { readonly type?: string }[];
}

/** Whoever adds a node gives this machine one more name: it is ready, as the machine is. Returns how to stop. */
export function startNodeController(
  store: KubeStore,
  own: KubeObject,
  onError: (what: string, error: unknown) => void,
): () => void {
  const queue = createWorkQueue({
    reconcile: (name, changeId) => {
      const node = store.get('Node', { namespace: '', name });
      const status = node?.['status'] as NodeStatus | undefined;
      if (node === undefined || status?.conditions?.some(({ type }) => type === 'Ready') === true) return;
      store.updateStatus('Node', { namespace: '', name }, own['status'], { changeId });
    },
    onError: (name, error) => onError(`node ${name}`, error),
  });
  const stopWatch = store.watch('Node', ({ type, object, changeId }) => {
    if (type !== 'DELETED') queue.add(object.metadata.name, changeId);
  });
  return () => {
    stopWatch();
    queue.stop();
  };
}

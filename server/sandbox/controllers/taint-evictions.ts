import type { Clock, KubeObject, Timer } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressOf, isEnding, keyOf, nameOf, type PodObject } from '../kube-types.ts';
import { staysMs } from '../mesh/node-fit.ts';
import type { EventRecorder } from './event-recorder.ts';
import { createWorkQueue } from './work-queue.ts';

export interface TaintEvictionOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly events?: EventRecorder;
  readonly onError: (what: string, error: unknown) => void;
}

/**
 * Ends pods on nodes with a NoExecute taint that they do not bear: at once, or after the shortest tolerationSeconds of those by which they
 * bear it for a time. Source: pkg/controller/tainteviction in kubernetes.
 */
export function startTaintEvictions(options: TaintEvictionOptions): () => void {
  const { store, clock, onError } = options;
  if (store.kinds.find('Node') === undefined) return () => undefined;
  /** Pods that go when their time is over, by key. */
  const doomed = new Map<string, { readonly timer: Timer; readonly atMs: number; readonly uid: string | undefined }>();
  const spare = (key: string): void => {
    doomed.get(key)?.timer.cancel();
    doomed.delete(key);
  };
  const queue = createWorkQueue({
    reconcile: (key, changeId) => {
      const pod = store.get('Pod', nameOf(key)) as PodObject | undefined;
      const stays = pod === undefined || isEnding(pod) ? Number.POSITIVE_INFINITY : leftMs(store, pod);
      if (pod === undefined || stays === Number.POSITIVE_INFINITY) spare(key);
      else if (stays <= 0) {
        spare(key);
        evict(options, pod, changeId);
      } else if (doomed.get(key)?.uid !== pod.metadata.uid) {
        spare(key);
        const timer = clock.after(stays, () => {
          doomed.delete(key);
          const present = store.get('Pod', nameOf(key)) as PodObject | undefined;
          if (present !== undefined && present.metadata.uid === pod.metadata.uid) evict(options, present, changeId);
        });
        doomed.set(key, { timer, atMs: clock.now() + stays, uid: pod.metadata.uid });
      }
    },
    onError: (key, error) => onError(`taints for pod ${key}`, error),
  });
  const stops = [
    store.watch('Node', ({ object, changeId }) => {
      for (const pod of podsOn(store, object)) queue.add(keyOf(pod), changeId);
    }),
    store.watch('Pod', ({ object, changeId }) => queue.add(keyOf(object), changeId)),
  ];
  return () => {
    for (const stop of stops) stop();
    for (const { timer } of doomed.values()) timer.cancel();
    queue.stop();
  };
}

const podsOn = (store: KubeStore, node: KubeObject): PodObject[] =>
  (store.list('Pod') as PodObject[]).filter(({ spec }) => spec.nodeName === node.metadata.name);

function leftMs(store: KubeStore, pod: PodObject): number {
  const { nodeName: name } = pod.spec;
  const node = name === undefined ? undefined : store.get('Node', { namespace: '', name });
  return node === undefined ? Number.POSITIVE_INFINITY : staysMs(pod, node);
}

function evict({ store, clock, events }: TaintEvictionOptions, pod: PodObject, changeId: string): void {
  if (isEnding(pod)) return;
  events?.record(pod, { reason: 'TaintManagerEviction', message: `Marking for deletion Pod ${keyOf(pod)}` });
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
  const { conditions = [], ...status } = pod.status ?? {};
  const others = conditions.filter(({ type }) => type !== condition.type);
  store.updateStatus('Pod', addressOf(pod), { ...status, conditions: [...others, condition] }, { changeId });
  store.delete('Pod', addressOf(pod), { changeId });
}

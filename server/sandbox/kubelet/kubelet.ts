import { type Clock, pause } from '#domain';
import type { KubeStore, WatchEvent } from '#kube-api';
import type { EventRecorder } from '../controllers/event-recorder.ts';
import { createWorkQueue } from '../controllers/work-queue.ts';
import { addressOf, keyOf, nameOf, type PodObject } from '../kube-types.ts';
import { chooseNode } from '../mesh/choose-node.ts';
import { nodeName } from '../mesh/system.ts';
import type { AddressPool } from '../network/addresses.ts';
import type { PodRuntime } from './pod-runtime.ts';

/** How long a deleted pod goes on serving at least: not everybody who has its address is asked whether they know. */
const SERVES_ON_MS = 500;
/** What is left to a pod that the API has no more. */
const FORCED_MS = 1000;

export interface KubeletOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly addresses: AddressPool;
  readonly maxPods: number;
  /** The scheduler's. */
  readonly events: EventRecorder;
  /** Injection and defaults for pods that came straight to the API, without a controller. */
  readonly admit: (pod: PodObject) => PodObject;
  /** An address that this pod must have, and nobody beside it: istiod's. */
  readonly fixedAddress: (pod: PodObject) => string | undefined;
  readonly build: (parts: { pod: PodObject; ip: string; onChange: () => void }) => PodRuntime;
  /** Resolves when nobody is sent to this address any more. */
  readonly untilUnlisted: (pod: PodObject, ip: string) => Promise<void>;
  readonly onError: (what: string, error: unknown) => void;
}

export interface Kubelet {
  /** Without those that are ending. */
  readonly pods: readonly PodRuntime[];
  /** Also one that is ending. */
  pod(key: string): PodRuntime | undefined;
  stop(): Promise<void>;
}

/**
 * The node: starts what the store has as pods, writes their status, ends what is deleted there. A deleted pod stays in the store until it has
 * ended; one that is gone from the store before is ended at once.
 */
export function startKubelet(options: KubeletOptions): Kubelet {
  const running = new Map<string, PodRuntime>();
  /** Those of the store that end. */
  const ending = new Map<string, PodRuntime>();
  const leaving = new Map<PodRuntime, Promise<void>>();
  /** Keys of pods that no node can take. */
  const homeless = new Set<string>();
  const heldAddresses = new Map<string, Promise<void>>();
  let stopped = false;

  const status = createWorkQueue({
    reconcile: (key, changeId) => {
      const runtime = running.get(key) ?? ending.get(key);
      const stored = options.store.get('Pod', nameOf(key));
      if (runtime === undefined || stored?.metadata.uid !== runtime.object.metadata.uid) return;
      options.store.updateStatus('Pod', nameOf(key), withForeign(runtime.status(), stored as PodObject), { changeId });
    },
    onError: (key, error) => options.onError(`status of pod ${key}`, error),
    pace: 'calm',
  });

  const run = async (pod: PodObject, ip: string, changeId: string): Promise<void> => {
    const key = keyOf(pod);
    const runtime = options.build({ pod, ip, onChange: () => status.add(key, changeId) });
    running.set(key, runtime);
    status.add(key, changeId);
    await runtime.start();
  };

  const launch = async (pod: PodObject, changeId: string): Promise<void> => {
    const fixed = options.fixedAddress(pod);
    if (fixed === undefined) return run(pod, options.addresses.next(), changeId);
    await heldAddresses.get(fixed);
    options.addresses.take(fixed);
    const current = options.store.get('Pod', addressOf(pod));
    const wanted = current?.metadata.uid === pod.metadata.uid && current?.metadata.deletionTimestamp === undefined;
    if (!stopped && wanted) await run(pod, fixed, changeId);
  };

  const told = async (runtime: PodRuntime): Promise<void> => {
    await Promise.all([pause(options, SERVES_ON_MS), options.untilUnlisted(runtime.object, runtime.ip)]);
  };

  /** The pod has ended, or never ran: the API forgets it. */
  const forget = ({ metadata }: PodObject, changeId: string): void => {
    const name = { namespace: metadata.namespace ?? '', name: metadata.name };
    const stored = options.store.get('Pod', name);
    if (stored?.metadata.uid === metadata.uid) {
      options.store.delete('Pod', name, { changeId, gracePeriodSeconds: 0 });
    }
  };

  const retire = (key: string, { graceMs, changeId }: Retirement): void => {
    const runtime = running.get(key);
    if (runtime === undefined) {
      void ending.get(key)?.stop(graceMs);
      return;
    }
    running.delete(key);
    ending.set(key, runtime);
    const fixed = options.fixedAddress(runtime.object);
    const graceful = fixed === undefined;
    const ended = (graceful ? runtime.stop(graceMs, told(runtime)) : runtime.stop(0))
      .catch((error: unknown) => options.onError(`stop of pod ${key}`, error))
      .then(() => {
        options.addresses.release(runtime.ip);
        leaving.delete(runtime);
        if (ending.get(key) === runtime) ending.delete(key);
        if (stopped) return;
        forget(runtime.object, changeId);
      });
    leaving.set(runtime, ended);
    if (fixed !== undefined) heldAddresses.set(fixed, ended);
  };

  const started = new Map<string, string>();
  const sync = createWorkQueue({
    reconcile: (key, changeId) => {
      const found = options.store.get('Pod', nameOf(key)) as PodObject | undefined;
      if (started.has(key) && started.get(key) !== found?.metadata.uid) {
        started.delete(key);
        retire(key, { graceMs: FORCED_MS, changeId });
      }
      if (found === undefined) homeless.delete(key);
      if (found === undefined || started.has(key)) return;
      if (found.metadata.deletionTimestamp !== undefined) {
        forget(found, changeId);
        return;
      }
      if (started.size - ending.size >= options.maxPods) {
        const message = `the sandbox runs at most ${options.maxPods} pods`;
        options.events.record(found, { reason: 'FailedScheduling', message, type: 'Warning' });
        return;
      }
      if (found.spec.nodeName === undefined) {
        const choice = chooseNode(options.store, found);
        if ('message' in choice) {
          homeless.add(key);
          tellUnschedulable(options, { pod: found, message: choice.message, changeId });
          return;
        }
      }
      homeless.delete(key);
      started.set(key, found.metadata.uid ?? '');
      const pod = found.spec.nodeName === undefined ? adopt(options, found, changeId) : found;
      const message = `Successfully assigned ${key} to ${pod.spec.nodeName ?? nodeName}`;
      options.events.record(pod, { reason: 'Scheduled', message });
      launch(pod, changeId).catch((error: unknown) => options.onError(`pod ${key}`, error));
    },
    onError: (key, error) => options.onError(`pod ${key}`, error),
  });
  const onPod = ({ type, object, changeId, previous }: WatchEvent): void => {
    const key = keyOf(object);
    if (type === 'DELETED' && started.get(key) === object.metadata.uid) {
      // At once, so that the node never shows a pod that the API has no more.
      started.delete(key);
      retire(key, { graceMs: FORCED_MS, changeId });
      ending.delete(key);
    } else if (object.metadata.deletionTimestamp !== undefined && started.get(key) === object.metadata.uid) {
      const graceMs = 1000 * (object.metadata.deletionGracePeriodSeconds ?? 0);
      const before = (previous?.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY) * 1000;
      if (graceMs < before) retire(key, { graceMs, changeId });
      // It waits for its address: nothing of it runs.
      if (!ending.has(key)) forget(object as PodObject, changeId);
    } else if (started.get(key) !== object.metadata.uid) sync.add(key, changeId);
    else running.get(key)?.addEphemeral((object as PodObject).spec.ephemeralContainers ?? []);
  };
  /** Where a node changes, or a pod makes room, those that fitted nowhere are tried again. */
  const retry = (changeId: string): void => {
    for (const key of homeless) sync.add(key, changeId);
  };
  const stopWatches = [
    options.store.watch('Pod', onPod),
    options.store.watch('Pod', ({ type, changeId }) => {
      if (type === 'DELETED') retry(changeId);
    }),
    options.store.watch('Node', ({ changeId }) => retry(changeId)),
  ];

  return {
    get pods() {
      return [...running.values()];
    },
    pod: (key) => running.get(key) ?? ending.get(key),
    stop: async () => {
      stopped = true;
      for (const stop of stopWatches) stop();
      sync.stop();
      status.stop();
      await Promise.all([...running.values(), ...leaving.keys()].map((runtime) => runtime.stop(0)));
      running.clear();
      ending.clear();
    },
  };
}

/** Conditions that others wrote stay: those of eviction, and of readiness gates. */
function withForeign(status: ReturnType<PodRuntime['status']>, stored: PodObject): object {
  const own = new Set(status.conditions.map(({ type }) => type));
  const foreign = (stored.status?.conditions ?? []).filter(({ type }) => !own.has(type));
  return foreign.length === 0 ? status : { ...status, conditions: [...status.conditions, ...foreign] };
}

interface Retirement {
  readonly graceMs: number;
  readonly changeId: string;
}

interface Unschedulable {
  readonly pod: PodObject;
  readonly message: string;
  readonly changeId: string;
}

/** The condition and the event that the scheduler writes, once for each reason. */
function tellUnschedulable({ store, clock, events }: KubeletOptions, { pod, message, changeId }: Unschedulable): void {
  const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (before?.status === 'False' && before.message === message) return;
  const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : now;
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime };
  const status = { ...pod.status, phase: 'Pending', conditions: [condition] };
  store.updateStatus('Pod', addressOf(pod), status, { changeId });
  events.record(pod, { reason: 'FailedScheduling', message, type: 'Warning' });
}

function adopt({ store, admit }: KubeletOptions, pod: PodObject, changeId: string): PodObject {
  return store.update(admit(pod), { changeId }) as PodObject;
}

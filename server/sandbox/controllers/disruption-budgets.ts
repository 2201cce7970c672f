import { type Clock, type KubeObject, type LabelSelector, selects } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressOf, isEnding, isReady, keyOf, nameOf, type PodObject } from '../kube-types.ts';
import { share } from './replica-counts.ts';
import { createWorkQueue } from './work-queue.ts';

/** How long an eviction counts although its pod is still there. Source: DeletionTimeout in kubernetes' disruption controller. */
const EVICTION_MS = 120_000;

interface Budget extends KubeObject {
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly minAvailable?: number | string;
    readonly maxUnavailable?: number | string;
  };
  readonly status?: {
    readonly disruptedPods?: Readonly<Record<string, string>>;
    readonly conditions?: readonly { readonly status?: string; readonly lastTransitionTime?: string }[];
  };
}

export interface BudgetControllerOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly onError: (what: string, error: unknown) => void;
}

/** Counts for each PodDisruptionBudget how many of its pods may be evicted. */
export function startBudgetController({ store, clock, onError }: BudgetControllerOptions): () => void {
  if (store.kinds.find('PodDisruptionBudget') === undefined) return () => undefined;
  const queue = createWorkQueue({
    reconcile: (key, changeId) => {
      const budget = store.get('PodDisruptionBudget', nameOf(key)) as Budget | undefined;
      if (budget === undefined) return;
      store.updateStatus('PodDisruptionBudget', nameOf(key), budgetStatus(store, budget, clock), { changeId });
    },
    onError: (key, error) => onError(`disruption budget ${key}`, error),
  });
  const recount = ({ object, changeId }: { readonly object: KubeObject; readonly changeId: string }): void => {
    const { namespace = '' } = object.metadata;
    for (const budget of store.list('PodDisruptionBudget', { namespace })) queue.add(keyOf(budget), changeId);
  };
  const stops = [
    store.watch('PodDisruptionBudget', ({ object, changeId }) => queue.add(keyOf(object), changeId)),
    ...['Pod', 'Deployment', 'ReplicaSet', 'StatefulSet']
      .filter((kind) => store.kinds.find(kind) !== undefined)
      .map((kind) => store.watch(kind, recount)),
  ];
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

function budgetStatus(store: KubeStore, budget: Budget, clock: Clock): object {
  const { namespace = '', generation = 1 } = budget.metadata;
  const { selector } = budget.spec ?? {};
  const pods = (store.list('Pod', { namespace }) as PodObject[]).filter(
    ({ metadata, status }) =>
      selector !== undefined &&
      selects(selector, metadata.labels ?? {}) &&
      status?.phase !== 'Succeeded' &&
      status?.phase !== 'Failed',
  );
  const disruptedPods = stillDisrupted(budget, pods, clock);
  const currentHealthy = pods.filter(
    (pod) => isReady(pod) && !isEnding(pod) && disruptedPods[pod.metadata.name] === undefined,
  ).length;
  const { expectedPods, desiredHealthy } = wanted(store, budget, pods);
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const counts = { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed };
  return {
    ...counts,
    observedGeneration: generation,
    ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
    conditions: [condition(budget, disruptionsAllowed > 0, clock)],
  };
}

function condition({ status, metadata }: Budget, allowed: boolean, clock: Clock): object {
  const [before] = status?.conditions ?? [];
  const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const word = allowed ? 'True' : 'False';
  return {
    type: 'DisruptionAllowed',
    status: word,
    observedGeneration: metadata.generation ?? 1,
    lastTransitionTime: before?.status === word ? (before.lastTransitionTime ?? now) : now,
    reason: allowed ? 'SufficientPods' : 'InsufficientPods',
    message: '',
  };
}

/** Evicted pods that are still there and do not end yet. */
function stillDisrupted({ status }: Budget, pods: readonly PodObject[], clock: Clock): Record<string, string> {
  const entries = Object.entries(status?.disruptedPods ?? {}).filter(([name, since]) => {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    return pod !== undefined && !isEnding(pod) && Date.parse(since) + EVICTION_MS > clock.now();
  });
  return Object.fromEntries(entries);
}

/** Shares are of what the pods' controllers want; a number of available pods needs no controller. */
function wanted(
  store: KubeStore,
  { spec = {} }: Budget,
  pods: readonly PodObject[],
): { readonly expectedPods: number; readonly desiredHealthy: number } {
  const { minAvailable, maxUnavailable } = spec;
  if (typeof minAvailable === 'number') return { expectedPods: pods.length, desiredHealthy: minAvailable };
  const expectedPods = scaleOf(store, pods);
  if (maxUnavailable !== undefined) {
    return { expectedPods, desiredHealthy: Math.max(0, expectedPods - share(maxUnavailable, expectedPods, Math.ceil)) };
  }
  return {
    expectedPods,
    desiredHealthy: minAvailable === undefined ? 0 : share(minAvailable, expectedPods, Math.ceil),
  };
}

/** The sum of the replicas that the pods' controllers want, each once. */
function scaleOf(store: KubeStore, pods: readonly PodObject[]): number {
  const scales = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(store, controllerOf(store, pod) ?? pod) ?? controllerOf(store, pod);
    const replicas = (owner?.spec as { readonly replicas?: number } | undefined)?.replicas;
    if (owner !== undefined) scales.set(owner.metadata.uid ?? '', replicas ?? 1);
  }
  return [...scales.values()].reduce((total, replicas) => total + replicas, 0);
}

function controllerOf(store: KubeStore, object: KubeObject): KubeObject | undefined {
  const reference = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (reference === undefined || store.kinds.find(reference.kind) === undefined) return undefined;
  return store.get(reference.kind, { namespace: addressOf(object).namespace, name: reference.name });
}

import { type Clock, type KubeObject, type LabelSelector, selects } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressOf, isEnding, isReady, keyOf, nameOf, type PodObject } from '../kube-types.ts';
import type { EventRecorder } from './event-recorder.ts';
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
  readonly events?: EventRecorder;
  readonly onError: (what: string, error: unknown) => void;
}

/** Counts for each PodDisruptionBudget how many of its pods may be evicted. */
export function startBudgetController(options: BudgetControllerOptions): () => void {
  const { store, onError } = options;
  if (store.kinds.find('PodDisruptionBudget') === undefined) return () => undefined;
  const queue = createWorkQueue({
    reconcile: (key, changeId) => {
      const budget = store.get('PodDisruptionBudget', nameOf(key)) as Budget | undefined;
      if (budget === undefined) return;
      store.updateStatus('PodDisruptionBudget', nameOf(key), budgetStatus(options, budget), { changeId });
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

function budgetStatus({ store, clock, events }: BudgetControllerOptions, budget: Budget): object {
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
  if (pods.length === 0) events?.record(budget, { reason: 'NoPods', message: 'No matching pods found' });
  const counted = wanted(store, budget, pods);
  if ('failure' in counted) {
    const message = `Failed to calculate the number of expected pods: ${counted.failure}`;
    events?.record(budget, { reason: 'CalculateExpectedPodCountFailed', message, type: 'Warning' });
    return unsynced(budget, counted.failure, clock);
  }
  const { expectedPods, desiredHealthy, unmanaged } = counted;
  if (unmanaged)
    events?.record(budget, { reason: 'UnmanagedPods', message: unmanagedMessage(budget), type: 'Warning' });
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const counts = { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed };
  return {
    ...counts,
    observedGeneration: generation,
    ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
    conditions: [
      condition(budget, { allowed: disruptionsAllowed > 0, reason: sufficiency(disruptionsAllowed > 0) }, clock),
    ],
  };
}

const sufficiency = (allowed: boolean): string => (allowed ? 'SufficientPods' : 'InsufficientPods');

/** What cannot be counted allows nothing: the other figures stay. Source: failSafe in kubernetes' pkg/controller/disruption. */
function unsynced(budget: Budget, message: string, clock: Clock): object {
  return {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...budget.status,
    disruptionsAllowed: 0,
    conditions: [condition(budget, { allowed: false, reason: 'SyncFailed', message }, clock)],
  };
}

function unmanagedMessage({ spec }: Budget): string {
  const labels = Object.entries(spec?.selector?.matchLabels ?? {}).map(([key, value]) => `${key}: ${value}`);
  return (
    `Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{${labels.join(',')},},` +
    'MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged. As a result, the status of the PDB cannot be ' +
    'calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" ' +
    'field of the PDB to an integer value.'
  );
}

interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
  readonly message?: string;
}

function condition({ status, metadata }: Budget, { allowed, reason, message = '' }: Verdict, clock: Clock): object {
  const [before] = status?.conditions ?? [];
  const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const word = allowed ? 'True' : 'False';
  return {
    type: 'DisruptionAllowed',
    status: word,
    observedGeneration: metadata.generation ?? 1,
    lastTransitionTime: before?.status === word ? (before.lastTransitionTime ?? now) : now,
    reason,
    message,
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

type Wanted =
  | {
      readonly expectedPods: number;
      readonly desiredHealthy: number;
      /** Pods that no controller owns are not among the expected. */
      readonly unmanaged?: boolean;
    }
  | { readonly failure: string };

/** Shares are of what the pods' controllers want; a number of available pods needs no controller. */
function wanted(store: KubeStore, { spec = {} }: Budget, pods: readonly PodObject[]): Wanted {
  const { minAvailable, maxUnavailable } = spec;
  if (typeof minAvailable === 'number') return { expectedPods: pods.length, desiredHealthy: minAvailable };
  const unscalable = pods.flatMap((pod) => whyUnscalable(store, pod) ?? []);
  if (unscalable[0] !== undefined) return { failure: unscalable[0] };
  const unmanaged = pods.some(({ metadata }) => controllerIn(metadata) === undefined);
  const expectedPods = scaleOf(store, pods);
  if (maxUnavailable !== undefined) {
    const desiredHealthy = Math.max(0, expectedPods - share(maxUnavailable, expectedPods, Math.ceil));
    return { expectedPods, desiredHealthy, unmanaged };
  }
  return {
    expectedPods,
    unmanaged,
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

const controllerIn = ({ ownerReferences = [] }: KubeObject['metadata']) =>
  ownerReferences.find(({ controller }) => controller === true);

const SCALABLE: ReadonlySet<string> = new Set(['Deployment', 'ReplicaSet', 'StatefulSet']);

/** Why nobody can say how many pods like this one there should be. Source: getExpectedScale in kubernetes' pkg/controller/disruption. */
function whyUnscalable(store: KubeStore, pod: PodObject): string | undefined {
  const reference = controllerIn(pod.metadata);
  if (reference === undefined) return undefined;
  const kind = store.kinds.find(reference.kind);
  if (kind !== undefined && !SCALABLE.has(reference.kind)) {
    const resource = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
    return `${resource} does not implement the scale subresource`;
  }
  return controllerOf(store, pod) === undefined ? `found no controllers for pod "${pod.metadata.name}"` : undefined;
}

function controllerOf(store: KubeStore, object: KubeObject): KubeObject | undefined {
  const reference = controllerIn(object.metadata);
  if (reference === undefined || store.kinds.find(reference.kind) === undefined) return undefined;
  return store.get(reference.kind, { namespace: addressOf(object).namespace, name: reference.name });
}

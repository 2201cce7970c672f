import type { Clock, KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import {
  addressOf,
  type Condition,
  type DeploymentObject,
  keyOf,
  nameOf,
  ownedBy,
  type ReplicaSetObject,
} from '../kube-types.ts';
import { templateHash } from './names.ts';
import type { WorkQueue } from './work-queue.ts';
import { createWorkQueue } from './work-queue.ts';

const HASH_LABEL = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';
const DEFAULT_HISTORY = 10;

export interface ControllerOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly onError: (what: string, error: unknown) => void;
}

/** Keeps a ReplicaSet for the present template and moves pods to it: new ones first, old ones as the new become ready. */
export function startDeploymentController({ store, clock, onError }: ControllerOptions): () => void {
  const queue: WorkQueue = createWorkQueue({
    reconcile: (key, changeId) => reconcile({ store, clock, changeId }, key),
    onError: (key, error) => onError(`deployment ${key}`, error),
  });
  const stops = [
    store.watch('Deployment', ({ object, changeId }) => queue.add(keyOf(object), changeId)),
    store.watch('ReplicaSet', ({ object, changeId }) => {
      const owner = object.metadata.ownerReferences?.find(({ kind }) => kind === 'Deployment');
      if (owner !== undefined) queue.add(`${object.metadata.namespace}/${owner.name}`, changeId);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

interface Run {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly changeId: string;
}

function reconcile(run: Run, key: string): void {
  const { store } = run;
  const name = nameOf(key);
  const deployment = store.get('Deployment', name) as DeploymentObject | undefined;
  if (deployment === undefined) return;
  const sets = (store.list('ReplicaSet', { namespace: name.namespace }) as ReplicaSetObject[]).filter((set) =>
    ownedBy(set, deployment),
  );
  const hash = templateHash(deployment.spec.template);
  const current = sets.find(({ metadata }) => metadata.labels?.[HASH_LABEL] === hash);
  if (current === undefined) {
    if (deployment.spec.paused !== true) createReplicaSet(run, deployment, hash, nextRevision(sets));
  } else {
    const old = sets.filter((set) => set !== current);
    raiseRevision(run, current, old);
    rollout(run, deployment, current, old);
    prune(run, deployment, old);
  }
  writeStatus(run, deployment, sets, current);
}

const nextRevision = (sets: readonly ReplicaSetObject[]): number =>
  1 + sets.reduce((highest, set) => Math.max(highest, Number(set.metadata.annotations?.[REVISION] ?? 0)), 0);

function createReplicaSet(
  { store, changeId }: Run,
  deployment: DeploymentObject,
  hash: string,
  revision: number,
): void {
  const { metadata, spec } = deployment;
  const labels = { ...spec.template.metadata?.labels, [HASH_LABEL]: hash };
  const set: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace ?? '',
      labels,
      annotations: { [REVISION]: String(revision) },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name, uid: metadata.uid ?? '', controller: true },
      ],
    },
    spec: {
      replicas: revision === 1 ? (spec.replicas ?? 1) : 0,
      selector: { matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
  store.create(set, { changeId });
}

/** A template that comes back (a rollback) makes its old set the newest revision. */
function raiseRevision({ store, changeId }: Run, current: ReplicaSetObject, old: readonly ReplicaSetObject[]): void {
  const revision = nextRevision(old);
  if (Number(current.metadata.annotations?.[REVISION] ?? 0) >= revision) return;
  const patch = { metadata: { annotations: { [REVISION]: String(revision) } } };
  store.patch('ReplicaSet', addressOf(current), patch, { changeId });
}

const replicasOf = (set: ReplicaSetObject): number => set.spec.replicas ?? 1;
const podsOf = (set: ReplicaSetObject): number => set.status?.replicas ?? 0;
const readyOf = (set: ReplicaSetObject): number => set.status?.readyReplicas ?? 0;
const sum = (sets: readonly ReplicaSetObject[], of: (set: ReplicaSetObject) => number): number =>
  sets.reduce((total, set) => total + of(set), 0);

function rollout(
  run: Run,
  deployment: DeploymentObject,
  current: ReplicaSetObject,
  old: readonly ReplicaSetObject[],
): void {
  const desired = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type === 'Recreate') {
    for (const set of old) scale(run, set, 0);
    if (sum(old, podsOf) === 0) scale(run, current, desired);
    return;
  }
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const unavailable = share(maxUnavailable, desired, Math.floor);
  const surge = Math.max(share(maxSurge, desired, Math.ceil), unavailable === 0 ? 1 : 0);
  const room = desired + surge - sum(old, replicasOf);
  scale(run, current, Math.min(desired, Math.max(replicasOf(current), room)));
  let spare = readyOf(current) + sum(old, readyOf) - (desired - unavailable);
  for (const set of old) {
    // Pods that never became ready serve nobody and may go at once.
    const step = Math.min(replicasOf(set), Math.max(0, spare) + Math.max(0, replicasOf(set) - readyOf(set)));
    scale(run, set, replicasOf(set) - step);
    spare -= Math.min(step, readyOf(set));
  }
}

function share(value: number | string, of: number, round: (value: number) => number): number {
  return typeof value === 'number'
    ? value
    : value.endsWith('%')
      ? round((of * Number.parseFloat(value)) / 100)
      : Number(value);
}

function scale({ store, changeId }: Run, set: ReplicaSetObject, replicas: number): void {
  if (replicasOf(set) !== replicas) store.patch('ReplicaSet', addressOf(set), { spec: { replicas } }, { changeId });
}

function prune({ store, changeId }: Run, deployment: DeploymentObject, old: readonly ReplicaSetObject[]): void {
  const empty = old.filter((set) => replicasOf(set) === 0 && podsOf(set) === 0);
  const keep = deployment.spec.revisionHistoryLimit ?? DEFAULT_HISTORY;
  const byRevision = empty.toSorted(
    (a, b) => Number(a.metadata.annotations?.[REVISION] ?? 0) - Number(b.metadata.annotations?.[REVISION] ?? 0),
  );
  for (const set of byRevision.slice(0, Math.max(0, empty.length - keep))) {
    store.delete('ReplicaSet', addressOf(set), { changeId });
  }
}

function writeStatus(
  { store, clock, changeId }: Run,
  deployment: DeploymentObject,
  sets: readonly ReplicaSetObject[],
  current: ReplicaSetObject | undefined,
): void {
  const desired = deployment.spec.replicas ?? 1;
  const ready = sum(sets, readyOf);
  const updated = current === undefined ? 0 : podsOf(current);
  const done =
    updated >= desired && current !== undefined && readyOf(current) >= desired && sum(sets, podsOf) === updated;
  const before = (deployment.status as { conditions?: readonly Condition[] } | undefined)?.conditions;
  const since = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const condition = (type: string, holds: boolean, reason: string, message: string): Condition => {
    const status = holds ? 'True' : 'False';
    const old = before?.find((candidate) => candidate.type === type);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : since;
    return { type, status, lastTransitionTime, reason, message };
  };
  const available = ready >= desired;
  const status = {
    observedGeneration: deployment.metadata.generation ?? 1,
    replicas: sum(sets, podsOf),
    updatedReplicas: updated,
    readyReplicas: ready,
    availableReplicas: ready,
    unavailableReplicas: Math.max(0, desired - ready),
    conditions: [
      available
        ? condition('Available', true, 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : condition('Available', false, 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'),
      condition(
        'Progressing',
        true,
        done ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
        done ? 'The rollout is complete.' : 'The rollout goes on.',
      ),
    ],
  };
  store.updateStatus('Deployment', addressOf(deployment), status, { changeId });
}

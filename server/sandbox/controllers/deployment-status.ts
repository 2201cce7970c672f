import type { Clock } from '#domain';
import type { Condition, DeploymentObject, ReplicaSetObject } from '../kube-types.ts';
import { availableOf, latitude, podsOf, readyOf, sum } from './replica-counts.ts';

const DEFAULT_DEADLINE_SECONDS = 600;

export interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly conditions?: readonly DeploymentCondition[];
}

interface DeploymentCondition extends Condition {
  readonly lastUpdateTime: string;
}

export interface Progress {
  readonly deployment: DeploymentObject;
  readonly sets: readonly ReplicaSetObject[];
  readonly current: ReplicaSetObject | undefined;
  /** What has just happened to the present set, if anything. */
  readonly step: 'created' | 'found' | undefined;
  /** Pods of former sets that were deleted and have not ended. */
  readonly ending: number;
}

/**
 * The status of a Deployment as kubectl's `rollout status` and `wait` read it; times stay where nothing has changed. Unlike in Kubernetes a
 * rollout is complete when no old pod answers any more: who asks right after it must not meet one.
 */
export function deploymentStatus({ deployment, sets, current, step, ending }: Progress, clock: Clock): object {
  const before = (deployment.status ?? {}) as DeploymentStatus;
  const desired = deployment.spec.replicas ?? 1;
  const counts = {
    replicas: sum(sets, podsOf) + ending,
    updatedReplicas: current === undefined ? 0 : podsOf(current),
    readyReplicas: sum(sets, readyOf),
    availableReplicas: sum(sets, availableOf),
  };
  const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const write = (type: string, { status, reason, message }: Verdict): DeploymentCondition => {
    const old = before.conditions?.find((each) => each.type === type);
    if (old?.status === status && old.reason === reason && old.message === message) return old;
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now;
    return { type, status, lastUpdateTime: now, lastTransitionTime, reason, message };
  };
  const progressing = progress({ deployment, sets, current, step, ending }, { counts, before, clock });
  return {
    observedGeneration: deployment.metadata.generation ?? 1,
    ...counts,
    unavailableReplicas: Math.max(0, desired - counts.availableReplicas),
    conditions: [
      write('Available', availability(counts.availableReplicas, deployment)),
      ...(progressing === undefined
        ? (before.conditions ?? []).filter(({ type }) => type === 'Progressing')
        : [write('Progressing', progressing)]),
    ],
  };
}

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

function availability(available: number, { spec }: DeploymentObject): Verdict {
  const desired = spec.replicas ?? 1;
  return available >= desired - latitude(spec).unavailable
    ? { status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : {
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

interface Observed {
  readonly counts: Required<
    Pick<DeploymentStatus, 'replicas' | 'updatedReplicas' | 'availableReplicas' | 'readyReplicas'>
  >;
  readonly before: DeploymentStatus;
  readonly clock: Clock;
}

/** Undefined: what is written stays. */
function progress({ deployment, current, step }: Progress, { counts, before, clock }: Observed): Verdict | undefined {
  const { spec, metadata } = deployment;
  const desired = spec.replicas ?? 1;
  const set = current?.metadata.name ?? '';
  const old = before.conditions?.find(({ type }) => type === 'Progressing');
  if (spec.paused === true)
    return { status: old?.status ?? 'True', reason: 'DeploymentPaused', message: 'Deployment is paused' };
  if (old?.reason === 'DeploymentPaused')
    return { status: 'True', reason: 'DeploymentResumed', message: 'Deployment is resumed' };
  const { updatedReplicas, replicas, availableReplicas } = counts;
  if (current !== undefined && updatedReplicas === desired && replicas === desired && availableReplicas >= desired) {
    return {
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${set}" has successfully progressed.`,
    };
  }
  if (step === 'created')
    return { status: 'True', reason: 'NewReplicaSetCreated', message: `Created new replica set "${set}"` };
  if (step === 'found')
    return { status: 'True', reason: 'FoundNewReplicaSet', message: `Found new replica set "${set}"` };
  const moved =
    updatedReplicas > (before.updatedReplicas ?? 0) ||
    replicas - updatedReplicas < (before.replicas ?? 0) - (before.updatedReplicas ?? 0) ||
    availableReplicas > (before.availableReplicas ?? 0) ||
    counts.readyReplicas > (before.readyReplicas ?? 0);
  if (moved && current !== undefined)
    return { status: 'True', reason: 'ReplicaSetUpdated', message: `ReplicaSet "${set}" is progressing.` };
  // A finished rollout that loses pods has no deadline to meet.
  if (old === undefined || old.reason === 'NewReplicaSetAvailable') return undefined;
  const deadlineMs = (spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS) * 1000;
  if (clock.now() - Date.parse(old.lastUpdateTime) < deadlineMs) return undefined;
  const what = set === '' ? `Deployment "${metadata.name}"` : `ReplicaSet "${set}"`;
  return { status: 'False', reason: 'ProgressDeadlineExceeded', message: `${what} has timed out progressing.` };
}

/** How long until a rollout that does not move has missed its deadline; undefined when none is under way. */
export function deadlineInMs({ spec, status }: DeploymentObject, clock: Clock): number | undefined {
  const progressing = ((status ?? {}) as DeploymentStatus).conditions?.find(({ type }) => type === 'Progressing');
  if (progressing?.status !== 'True' || progressing.reason === 'NewReplicaSetAvailable') return undefined;
  if (progressing.reason === 'DeploymentPaused') return undefined;
  const deadlineMs = (spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS) * 1000;
  return Math.max(0, Date.parse(progressing.lastUpdateTime) + deadlineMs - clock.now());
}

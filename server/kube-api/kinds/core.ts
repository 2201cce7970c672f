import type { ServedKind } from '../doors.ts';
import { cronJobKind, jobKind } from './batch.ts';
import { ingressClassKind, ingressKind } from './networking.ts';
import {
  configMapKind,
  endpointSliceKind,
  endpointsKind,
  eventKind,
  namespaceKind,
  nodeKind,
  secretKind,
  serviceAccountKind,
} from './plain.ts';
import { podKind } from './pod.ts';
import { policyKinds } from './policies.ts';
import { rbacKinds } from './rbac.ts';
import { serviceKind } from './service.ts';
import { daemonSetKind, deploymentKind, replicaSetKind, statefulSetKind } from './workloads.ts';

/** The kinds that every cluster has, as far as a mesh needs them. */
export const coreKinds: readonly ServedKind[] = [
  configMapKind,
  eventKind,
  namespaceKind,
  nodeKind,
  podKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
  deploymentKind,
  replicaSetKind,
  endpointSliceKind,
  endpointsKind,
  statefulSetKind,
  daemonSetKind,
  jobKind,
  cronJobKind,
  ingressKind,
  ingressClassKind,
  ...rbacKinds,
  ...policyKinds,
];

import type { ServedKind } from '../doors.ts';
import {
  configMapKind,
  endpointSliceKind,
  eventKind,
  namespaceKind,
  nodeKind,
  secretKind,
  serviceAccountKind,
} from './plain.ts';
import { podKind } from './pod.ts';
import { serviceKind } from './service.ts';
import { deploymentKind, replicaSetKind } from './workloads.ts';

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
];

import type { KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { type Labels, parseFieldSelector, parseLabelSelector } from '../selector.ts';
import { badRequest } from '../status-error.ts';

/** Which objects of a kind a list or a watch is about. */
export interface Selection {
  readonly matches: (object: KubeObject) => boolean;
  /** A selector narrows it, so that a count of the rest is not known. */
  readonly selective: boolean;
}

/** Fields beyond metadata.name and metadata.namespace by which a kind can be selected. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '/Pod': [
    ...['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'spec.hostNetwork'],
    ...['status.phase', 'status.podIP', 'status.nominatedNodeName'],
  ],
  '/Event': [
    ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
      (each) => `involvedObject.${each}`,
    ),
    ...['reason', 'reportingComponent', 'source', 'type'],
  ],
  '/Namespace': ['status.phase', 'name'],
  '/Node': ['spec.unschedulable'],
  '/Secret': ['type'],
  '/Service': ['spec.clusterIP', 'spec.type'],
  '/ReplicationController': ['status.replicas'],
  'apps/ReplicaSet': ['status.replicas'],
  'batch/Job': ['status.successful'],
};

const COMMON = ['metadata.name', 'metadata.namespace'];

function requireFields(text: string, kind: ServedKind): void {
  const allowed = new Set([...COMMON, ...(FIELDS[`${kind.group}/${kind.kind}`] ?? [])]);
  for (const term of text.split(',')) {
    const field = /^\s*([^=!\s]+)/.exec(term)?.[1];
    if (field === undefined || allowed.has(field)) continue;
    throw badRequest(`field label not supported: ${field}`);
  }
}

/** Reads the selectors of a query. Throws BadRequest for bad ones and for fields that cannot be selected by. */
export function selectionOf(kind: ServedKind, namespace: string, query: URLSearchParams): Selection {
  const labelText = query.get('labelSelector') ?? '';
  const fieldText = query.get('fieldSelector') ?? '';
  if (fieldText !== '') requireFields(fieldText, kind);
  const labels = labelText === '' ? undefined : parseLabelSelector(labelText);
  const fields = fieldText === '' ? undefined : parseFieldSelector(fieldText);
  const none: Labels = {};
  return {
    selective: labels !== undefined || fields !== undefined,
    matches: (object) =>
      (namespace === '' || object.metadata.namespace === namespace) &&
      (labels?.(object.metadata.labels ?? none) ?? true) &&
      (fields?.(object) ?? true),
  };
}

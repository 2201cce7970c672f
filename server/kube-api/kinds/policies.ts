import type { KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { isRecord } from '../json.ts';
import { typeSchema } from '../types/type-schema.ts';
import {
  ageColumn,
  at,
  column,
  createdAtColumn,
  integerColumn,
  listAt,
  nameColumn,
  numberAt,
  textAt,
} from './columns.ts';

const plain = { versions: ['v1'], shortNames: [], categories: [], countsGenerations: true };

/** `cpu: 12%/80%`; what is not measured is unknown. */
function targetsCell(object: KubeObject): string {
  const targets = listAt(object, 'spec.metrics').map((metric, index) => {
    const name = textAt(metric, 'resource.name') ?? String(at(metric, 'type'));
    const current = at(listAt(object, 'status.currentMetrics')[index], 'resource.current.averageUtilization');
    const wanted = at(metric, 'resource.target.averageUtilization');
    const unit = wanted === undefined ? '' : '%';
    const value = wanted ?? at(metric, 'resource.target.averageValue') ?? '<auto>';
    return `${name}: ${current === undefined ? '<unknown>' : `${String(current)}%`}/${String(value)}${unit}`;
  });
  return targets.length > 0 ? targets.join(', ') : '<none>';
}

export const horizontalPodAutoscalerKind: ServedKind = {
  ...plain,
  group: 'autoscaling',
  versions: ['v2'],
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  columns: [
    nameColumn,
    column(
      'Reference',
      (object) => `${textAt(object, 'spec.scaleTargetRef.kind')}/${textAt(object, 'spec.scaleTargetRef.name')}`,
    ),
    column('Targets', targetsCell),
    column('MinPods', (object) => String(numberAt(object, 'spec.minReplicas'))),
    integerColumn('MaxPods', (object) => numberAt(object, 'spec.maxReplicas')),
    integerColumn('Replicas', (object) => numberAt(object, 'status.currentReplicas')),
    ageColumn,
  ],
  schema: () => typeSchema('autoscaling.v2.HorizontalPodAutoscaler'),
  setDefaults: (object) => {
    if (isRecord(object.spec)) object.spec['minReplicas'] ??= 1;
  },
  initialStatus: () => ({ currentReplicas: 0, desiredReplicas: 0 }),
};

export const podDisruptionBudgetKind: ServedKind = {
  ...plain,
  group: 'policy',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  columns: [
    nameColumn,
    column('Min Available', (object) => String(at(object, 'spec.minAvailable') ?? 'N/A')),
    column('Max Unavailable', (object) => String(at(object, 'spec.maxUnavailable') ?? 'N/A')),
    integerColumn('Allowed Disruptions', (object) => numberAt(object, 'status.disruptionsAllowed')),
    ageColumn,
  ],
  schema: () => typeSchema('policy.v1.PodDisruptionBudget'),
  initialStatus: () => ({ currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }),
};

export const leaseKind: ServedKind = {
  ...plain,
  countsGenerations: false,
  group: 'coordination.k8s.io',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  columns: [
    nameColumn,
    { name: 'Holder', type: 'string', priority: 0, cell: (object) => textAt(object, 'spec.holderIdentity') ?? '' },
    ageColumn,
  ],
  schema: () => typeSchema('coordination.v1.Lease'),
};

function webhookKind(kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration'): ServedKind {
  const singular = kind.toLowerCase();
  return {
    ...plain,
    group: 'admissionregistration.k8s.io',
    kind,
    plural: `${singular}s`,
    singular,
    namespaced: false,
    columns: [nameColumn, integerColumn('Webhooks', (object) => listAt(object, 'webhooks').length), ageColumn],
    schema: () => typeSchema(`admissionregistration.v1.${kind}`),
  };
}

/** Listed, always empty: tools ask for these, and an object that nothing acts on would be a lie. */
function absent(kind: string, shortName: string, fixed: string, more: Partial<ServedKind> = {}): ServedKind {
  return {
    ...plain,
    group: '',
    kind,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    shortNames: [shortName],
    namespaced: true,
    countsGenerations: false,
    columns: [nameColumn, ageColumn],
    fixed,
    ...more,
  };
}

/** What a cluster says of its custom kinds. The set is fixed: the server writes these, clients read them. */
export const customResourceDefinitionKind: ServedKind = {
  ...plain,
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  keepsStatus: true,
  fixed: 'this cluster serves a fixed set of custom resources',
  columns: [nameColumn, createdAtColumn],
};

export const policyKinds: readonly ServedKind[] = [
  horizontalPodAutoscalerKind,
  podDisruptionBudgetKind,
  leaseKind,
  webhookKind('MutatingWebhookConfiguration'),
  webhookKind('ValidatingWebhookConfiguration'),
  absent('ResourceQuota', 'quota', 'this cluster enforces no quotas'),
  absent('LimitRange', 'limits', 'this cluster enforces no limits', { columns: [nameColumn, createdAtColumn] }),
  absent('PersistentVolumeClaim', 'pvc', 'this cluster has no storage'),
  absent('PersistentVolume', 'pv', 'this cluster has no storage', { namespaced: false }),
  absent('ReplicationController', 'rc', 'this cluster runs Deployments instead', { categories: ['all'] }),
  customResourceDefinitionKind,
];

import type { FieldProblem, KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { isRecord, sameJson } from '../json.ts';
import { ageColumn, at, column, integerColumn, labelText, listAt, nameColumn, numberAt, wide } from './columns.ts';
import { defaultPodSpec, workloadProblems } from './pod-template.ts';
import { immutable } from './problems.ts';
import { schemaFile } from './schema-file.ts';

const containerColumns = [
  wide(column('Containers', (object) => containers(object, 'name'))),
  wide(column('Images', (object) => containers(object, 'image'))),
  wide(column('Selector', (object) => labelText(at(object, 'spec.selector.matchLabels')))),
];

const containers = (object: KubeObject, field: string): string =>
  listAt(object, 'spec.template.spec.containers')
    .map((each) => String(at(each, field) ?? ''))
    .join(',');

function defaultTemplate(spec: unknown): void {
  if (!isRecord(spec)) return;
  spec['replicas'] ??= 1;
  const template = spec['template'];
  if (isRecord(template) && isRecord(template['spec'])) defaultPodSpec(template['spec']);
}

const selectorStays = (object: KubeObject, old: KubeObject): FieldProblem[] => {
  const selector = at(object, 'spec.selector');
  return sameJson(selector, at(old, 'spec.selector')) ? [] : [immutable('spec.selector', selector)];
};

const shared = {
  group: 'apps',
  versions: ['v1'],
  categories: ['all'],
  namespaced: true,
  initialStatus: () => ({}),
  validate: (object: KubeObject) => workloadProblems(object.spec),
  validateUpdate: selectorStays,
} as const;

export const deploymentKind: ServedKind = {
  ...shared,
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  columns: [
    nameColumn,
    column('Ready', (object) => `${numberAt(object, 'status.readyReplicas')}/${numberAt(object, 'spec.replicas')}`),
    integerColumn('Up-to-date', (object) => numberAt(object, 'status.updatedReplicas')),
    integerColumn('Available', (object) => numberAt(object, 'status.availableReplicas')),
    ageColumn,
    ...containerColumns,
  ],
  schema: schemaFile('deployment'),
  setDefaults: (object) => {
    defaultTemplate(object.spec);
    if (!isRecord(object.spec)) return;
    object.spec['strategy'] ??= { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } };
    object.spec['revisionHistoryLimit'] ??= 10;
    object.spec['progressDeadlineSeconds'] ??= 600;
  },
};

export const replicaSetKind: ServedKind = {
  ...shared,
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  columns: [
    nameColumn,
    integerColumn('Desired', (object) => numberAt(object, 'spec.replicas')),
    integerColumn('Current', (object) => numberAt(object, 'status.replicas')),
    integerColumn('Ready', (object) => numberAt(object, 'status.readyReplicas')),
    ageColumn,
    ...containerColumns,
  ],
  schema: schemaFile('replicaset'),
  setDefaults: (object) => defaultTemplate(object.spec),
};

import type { FieldProblem, KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { isRecord, type JsonRecord, sameJson } from '../json.ts';
import { typeSchema } from '../types/type-schema.ts';
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

function defaultStrategy(spec: JsonRecord): void {
  spec['strategy'] ??= {};
  const { strategy } = spec;
  if (!isRecord(strategy)) return;
  strategy['type'] ??= 'RollingUpdate';
  if (strategy['type'] !== 'RollingUpdate') return;
  strategy['rollingUpdate'] ??= {};
  const { rollingUpdate } = strategy;
  if (!isRecord(rollingUpdate)) return;
  rollingUpdate['maxSurge'] ??= '25%';
  rollingUpdate['maxUnavailable'] ??= '25%';
}

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
    defaultStrategy(object.spec);
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

export const statefulSetKind: ServedKind = {
  ...shared,
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  columns: [
    nameColumn,
    column('Ready', (object) => `${numberAt(object, 'status.readyReplicas')}/${numberAt(object, 'spec.replicas')}`),
    ageColumn,
    ...containerColumns.slice(0, 2),
  ],
  schema: () => typeSchema('apps.v1.StatefulSet'),
  setDefaults: (object) => {
    defaultTemplate(object.spec);
    if (!isRecord(object.spec)) return;
    object.spec['podManagementPolicy'] ??= 'OrderedReady';
    object.spec['updateStrategy'] ??= { type: 'RollingUpdate', rollingUpdate: { partition: 0 } };
    object.spec['revisionHistoryLimit'] ??= 10;
  },
  initialStatus: () => ({ replicas: 0, availableReplicas: 0 }),
};

export const daemonSetKind: ServedKind = {
  ...shared,
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  columns: [
    nameColumn,
    integerColumn('Desired', (object) => numberAt(object, 'status.desiredNumberScheduled')),
    integerColumn('Current', (object) => numberAt(object, 'status.currentNumberScheduled')),
    integerColumn('Ready', (object) => numberAt(object, 'status.numberReady')),
    integerColumn('Up-to-date', (object) => numberAt(object, 'status.updatedNumberScheduled')),
    integerColumn('Available', (object) => numberAt(object, 'status.numberAvailable')),
    column('Node Selector', (object) => labelText(at(object, 'spec.template.spec.nodeSelector'))),
    ageColumn,
    ...containerColumns,
  ],
  schema: () => typeSchema('apps.v1.DaemonSet'),
  setDefaults: (object) => {
    if (!isRecord(object.spec)) return;
    const pod = at(object.spec, 'template.spec');
    if (isRecord(pod)) defaultPodSpec(pod);
    object.spec['updateStrategy'] ??= { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
    object.spec['revisionHistoryLimit'] ??= 10;
  },
  initialStatus: () => ({
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  }),
};

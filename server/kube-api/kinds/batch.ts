import type { KubeObject } from '#domain';
import { ageSince, formatAge } from '#domain';
import type { ServedKind } from '../doors.ts';
import { isRecord } from '../json.ts';
import { typeSchema } from '../types/type-schema.ts';
import {
  ageColumn,
  at,
  column,
  integerColumn,
  labelText,
  listAt,
  nameColumn,
  numberAt,
  textAt,
  wide,
} from './columns.ts';
import { defaultPodSpec } from './pod-template.ts';
import { required } from './problems.ts';

const shared = { group: 'batch', versions: ['v1'], categories: ['all'], namespaced: true, initialStatus: () => ({}) };

const containers = (path: string, field: string) => (object: KubeObject) =>
  listAt(object, `${path}.containers`)
    .map((each) => String(at(each, field) ?? ''))
    .join(',');

const podColumns = (path: string) => [
  wide(column('Containers', containers(path, 'name'))),
  wide(column('Images', containers(path, 'image'))),
];

function jobStatus(object: KubeObject): string {
  const condition = listAt(object, 'status.conditions').find(
    (each) => at(each, 'status') === 'True' && ['Complete', 'Failed', 'Suspended'].includes(String(at(each, 'type'))),
  );
  if (condition !== undefined) return String(at(condition, 'type'));
  return object.metadata.deletionTimestamp ? 'Terminating' : 'Running';
}

function durationCell(object: KubeObject, nowMs: number): string {
  const start = textAt(object, 'status.startTime');
  if (start === undefined) return '';
  const end = textAt(object, 'status.completionTime');
  return formatAge((end === undefined ? nowMs : Date.parse(end)) - Date.parse(start));
}

function defaultJob(spec: unknown): void {
  if (!isRecord(spec)) return;
  spec['completions'] ??= 1;
  spec['parallelism'] ??= 1;
  spec['backoffLimit'] ??= 6;
  spec['completionMode'] ??= 'NonIndexed';
  spec['suspend'] ??= false;
  const pod = at(spec, 'template.spec');
  if (isRecord(pod)) defaultPodSpec(pod);
}

/** The labels by which a Job knows its pods, unless it brings a selector of its own. */
function completeJob(object: KubeObject): void {
  const { spec } = object;
  if (!isRecord(spec) || spec['manualSelector'] === true) return;
  const { name, uid = '' } = object.metadata;
  const own = { 'batch.kubernetes.io/controller-uid': uid };
  const labels = {
    ...own,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  spec['selector'] = { matchLabels: own };
  const template = isRecord(spec['template']) ? spec['template'] : {};
  const metadata = isRecord(template['metadata']) ? template['metadata'] : {};
  const given = isRecord(metadata['labels']) ? metadata['labels'] : {};
  spec['template'] = { ...template, metadata: { ...metadata, labels: { ...given, ...labels } } };
}

export const jobKind: ServedKind = {
  ...shared,
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  shortNames: [],
  columns: [
    nameColumn,
    column('Status', jobStatus),
    column(
      'Completions',
      (object) => `${numberAt(object, 'status.succeeded')}/${numberAt(object, 'spec.completions')}`,
    ),
    { name: 'Duration', type: 'string', priority: 0, cell: durationCell },
    ageColumn,
    ...podColumns('spec.template.spec'),
    wide(column('Selector', (object) => labelText(at(object, 'spec.selector.matchLabels')))),
  ],
  schema: () => typeSchema('batch.v1.Job'),
  setDefaults: (object) => defaultJob(object.spec),
  completeNew: completeJob,
  validate: (object) => (at(object, 'spec.template') === undefined ? [required('spec.template')] : []),
};

export const cronJobKind: ServedKind = {
  ...shared,
  kind: 'CronJob',
  fixed: 'no controller of this cluster runs cron jobs',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  columns: [
    nameColumn,
    column('Schedule', (object) => textAt(object, 'spec.schedule')),
    column('Timezone', (object) => textAt(object, 'spec.timeZone')),
    column('Suspend', (object) => (at(object, 'spec.suspend') === true ? 'True' : 'False')),
    integerColumn('Active', (object) => listAt(object, 'status.active').length),
    column('Last Schedule', (object, nowMs) => {
      const last = textAt(object, 'status.lastScheduleTime');
      return last === undefined ? undefined : ageSince(last, nowMs);
    }),
    ageColumn,
    ...podColumns('spec.jobTemplate.spec.template.spec'),
    wide(column('Selector', () => undefined)),
  ],
  schema: () => typeSchema('batch.v1.CronJob'),
  setDefaults: (object) => {
    if (!isRecord(object.spec)) return;
    object.spec['concurrencyPolicy'] ??= 'Allow';
    object.spec['suspend'] ??= false;
    object.spec['successfulJobsHistoryLimit'] ??= 3;
    object.spec['failedJobsHistoryLimit'] ??= 1;
  },
  validate: (object) => (textAt(object, 'spec.schedule') === undefined ? [required('spec.schedule')] : []),
};

import type { FieldProblem, KubeObject } from '#domain';
import { ageSince } from '#domain';
import type { ServedKind } from '../doors.ts';
import { isRecord, sameJson } from '../json.ts';
import { typeSchema } from '../types/type-schema.ts';
import {
  ageColumn,
  at,
  column,
  firstThree,
  integerColumn,
  listAt,
  nameColumn,
  numberAt,
  textAt,
  wide,
} from './columns.ts';
import { immutable, required } from './problems.ts';
import { schemaFile } from './schema-file.ts';

const size = (value: unknown): number => (isRecord(value) ? Object.keys(value).length : 0);

const coreKind = { group: '', versions: ['v1'], categories: [], namespaced: true, countsGenerations: false } as const;

export const namespaceKind: ServedKind = {
  ...coreKind,
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  nameRule: 'label',
  columns: [nameColumn, column('Status', (object) => textAt(object, 'status.phase')), ageColumn],
  schema: schemaFile('namespace'),
  setDefaults: (object) => {
    const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
    object.metadata.labels = labels;
    object.spec ??= { finalizers: ['kubernetes'] };
  },
  initialStatus: () => ({ phase: 'Active' }),
};

export const serviceAccountKind: ServedKind = {
  ...coreKind,
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  columns: [nameColumn, integerColumn('Secrets', (object) => listAt(object, 'secrets').length), ageColumn],
  schema: schemaFile('serviceaccount'),
};

export const configMapKind: ServedKind = {
  ...coreKind,
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  columns: [
    nameColumn,
    integerColumn('Data', (object) => size(object['data']) + size(object['binaryData'])),
    ageColumn,
  ],
  schema: schemaFile('configmap'),
  validateUpdate: contentStays,
};

export const secretKind: ServedKind = {
  ...coreKind,
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  columns: [
    nameColumn,
    column('Type', (object) => textAt(object, 'type')),
    integerColumn('Data', (object) => size(object['data'])),
    ageColumn,
  ],
  schema: schemaFile('secret'),
  setDefaults: (object) => {
    object['type'] ??= 'Opaque';
    const plain = object['stringData'];
    if (!isRecord(plain)) return;
    const encoded = Object.entries(plain).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
    object['data'] = { ...(isRecord(object['data']) ? object['data'] : {}), ...Object.fromEntries(encoded) };
    delete object['stringData'];
  },
  validateUpdate: (object, old) =>
    object['type'] === old['type'] ? contentStays(object, old) : [immutable('type', object['type'])],
  validate: (object) => {
    if (object['type'] !== 'kubernetes.io/tls') return [];
    const missing = ['tls.crt', 'tls.key'].filter((key) => at(object['data'], key) === undefined);
    return missing
      .filter((key) => !(isRecord(object['data']) && key in object['data']))
      .map((key) => required(`data[${key}]`));
  },
};

/** An object that says of itself that its content stays. */
function contentStays(object: KubeObject, old: KubeObject): FieldProblem[] {
  if (old['immutable'] !== true) return [];
  const changed = ['data', 'binaryData', 'immutable'].filter((field) => !sameJson(object[field], old[field]));
  const message = 'Forbidden: field is immutable when `immutable` is set';
  return changed.map((path) => ({ severity: 'error', path, message }));
}

const subject = (object: unknown, field: string): string =>
  `${(textAt(object, `${field}.kind`) ?? '').toLowerCase()}/${textAt(object, `${field}.name`) ?? ''}`;

export const eventKind: ServedKind = {
  ...coreKind,
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  columns: [
    {
      name: 'Last Seen',
      type: 'string',
      priority: 0,
      cell: (object, nowMs) => ageSince(textAt(object, 'lastTimestamp') ?? textAt(object, 'eventTime'), nowMs),
    },
    column('Type', (object) => textAt(object, 'type')),
    column('Reason', (object) => textAt(object, 'reason')),
    column('Object', (object) => subject(object, 'involvedObject')),
    wide(column('Subobject', (object) => textAt(object, 'involvedObject.fieldPath'))),
    wide(column('Source', (object) => textAt(object, 'source.component'))),
    column('Message', (object) => textAt(object, 'message')),
    wide(column('First Seen', (object, nowMs) => ageSince(textAt(object, 'firstTimestamp'), nowMs))),
    wide(integerColumn('Count', (object) => numberAt(object, 'count'))),
    wide(nameColumn),
  ],
  schema: schemaFile('event'),
};

const READY = 'Ready';

function nodeStatus(object: unknown): string {
  const ready = listAt(object, 'status.conditions').find((condition) => at(condition, 'type') === READY);
  const words = [at(ready, 'status') === 'True' ? READY : ready ? 'NotReady' : 'Unknown'];
  if (at(object, 'spec.unschedulable') === true) words.push('SchedulingDisabled');
  return words.join(',');
}

const nodeAddress = (object: unknown, type: string): string | undefined => {
  const address = listAt(object, 'status.addresses').find((each) => at(each, 'type') === type);
  return textAt(address, 'address');
};

const ROLE = 'node-role.kubernetes.io/';

export const nodeKind: ServedKind = {
  ...coreKind,
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  keepsStatus: true,
  columns: [
    nameColumn,
    column('Status', nodeStatus),
    column('Roles', (object) => {
      const roles = Object.keys(object.metadata.labels ?? {}).filter((key) => key.startsWith(ROLE));
      return roles.map((key) => key.slice(ROLE.length)).join(',');
    }),
    ageColumn,
    column('Version', (object) => textAt(object, 'status.nodeInfo.kubeletVersion')),
    wide(column('Internal-IP', (object) => nodeAddress(object, 'InternalIP'))),
    wide(column('External-IP', (object) => nodeAddress(object, 'ExternalIP'))),
    wide(column('OS-Image', (object) => textAt(object, 'status.nodeInfo.osImage'))),
    wide(column('Kernel-Version', (object) => textAt(object, 'status.nodeInfo.kernelVersion'))),
    wide(column('Container-Runtime', (object) => textAt(object, 'status.nodeInfo.containerRuntimeVersion'))),
  ],
  schema: schemaFile('node'),
};

export const endpointSliceKind: ServedKind = {
  ...coreKind,
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  shortNames: [],
  countsGenerations: true,
  columns: [
    nameColumn,
    column('AddressType', (object) => textAt(object, 'addressType')),
    column(
      'Ports',
      (object) => firstThree(listAt(object, 'ports').map((port) => String(at(port, 'port') ?? '*'))) ?? '<unset>',
    ),
    column(
      'Endpoints',
      (object) =>
        firstThree(listAt(object, 'endpoints').flatMap((each) => listAt(each, 'addresses').map(String))) ?? '<unset>',
    ),
    ageColumn,
  ],
  schema: schemaFile('endpointslice'),
};

/** `10.0.0.1:8080,10.0.0.2:8080`, the first three. */
function endpointsCell(object: unknown): string | undefined {
  const pairs = listAt(object, 'subsets').flatMap((subset) => {
    const ports = listAt(subset, 'ports').map((port) => `:${String(at(port, 'port'))}`);
    const addresses = listAt(subset, 'addresses').map((each) => textAt(each, 'ip') ?? '');
    return ports.length === 0 ? addresses : addresses.flatMap((ip) => ports.map((port) => ip + port));
  });
  return firstThree(pairs);
}

export const endpointsKind: ServedKind = {
  ...coreKind,
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  columns: [nameColumn, column('Endpoints', endpointsCell), ageColumn],
  schema: () => typeSchema('core.v1.Endpoints'),
};

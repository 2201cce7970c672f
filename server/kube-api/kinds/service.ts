import type { FieldProblem, KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { isRecord, type JsonRecord } from '../json.ts';
import { labelProblems, nameProblem } from '../names.ts';
import { ageColumn, at, column, labelText, listAt, nameColumn, textAt, wide } from './columns.ts';
import { duplicate, immutable, invalidValue, portProblems, required, unsupported } from './problems.ts';
import { schemaFile } from './schema-file.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'] as const;
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'] as const;

function externalCell(object: KubeObject): string | undefined {
  const type = textAt(object, 'spec.type');
  if (type === 'ExternalName') return textAt(object, 'spec.externalName');
  const own = listAt(object, 'spec.externalIPs').map(String);
  if (type !== 'LoadBalancer') return own.join(',');
  const balancers = listAt(object, 'status.loadBalancer.ingress').map(
    (each) => textAt(each, 'ip') ?? textAt(each, 'hostname') ?? '',
  );
  return [...balancers, ...own].filter((each) => each !== '').join(',') || '<pending>';
}

function portsCell(object: KubeObject): string {
  const ports = listAt(object, 'spec.ports').map((port) => {
    const node = at(port, 'nodePort');
    return `${at(port, 'port')}${node ? `:${node}` : ''}/${textAt(port, 'protocol') ?? 'TCP'}`;
  });
  return ports.join(',');
}

function setDefaults(object: KubeObject): void {
  const spec = object.spec;
  if (!isRecord(spec)) return;
  spec['type'] ??= 'ClusterIP';
  spec['sessionAffinity'] ??= 'None';
  if (spec['type'] !== 'ExternalName') spec['internalTrafficPolicy'] ??= 'Cluster';
  for (const port of Array.isArray(spec['ports']) ? spec['ports'].filter(isRecord) : []) {
    port['protocol'] ??= 'TCP';
    port['targetPort'] ??= port['port'];
  }
}

function portFieldProblems(port: JsonRecord, path: string, several: boolean): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const name = port['name'];
  if (typeof name !== 'string' || name === '') {
    if (several) problems.push(required(`${path}.name`));
  } else {
    const wrong = nameProblem(name, 'label');
    if (wrong) problems.push({ severity: 'error', path: `${path}.name`, message: wrong });
  }
  if (port['port'] === undefined) problems.push(required(`${path}.port`));
  else problems.push(...portProblems(`${path}.port`, port['port']));
  const target = port['targetPort'];
  if (typeof target === 'number') problems.push(...portProblems(`${path}.targetPort`, target));
  if (typeof target === 'string' && (target.length > 15 || !/^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/.test(target))) {
    const why =
      "must contain only alpha-numeric characters (a-z, 0-9), and hyphens ('-'), at most 15, with at least one letter";
    problems.push(invalidValue(`${path}.targetPort`, target, why));
  }
  const protocol = port['protocol'];
  if (protocol !== undefined && !PROTOCOLS.some((each) => each === protocol)) {
    problems.push(unsupported(`${path}.protocol`, protocol, PROTOCOLS));
  }
  return problems;
}

function validate(object: KubeObject): FieldProblem[] {
  const spec = isRecord(object.spec) ? object.spec : {};
  const problems = labelProblems(spec['selector'], 'spec.selector');
  const type = spec['type'];
  if (type !== undefined && !TYPES.some((each) => each === type)) problems.push(unsupported('spec.type', type, TYPES));
  const ports = Array.isArray(spec['ports']) ? spec['ports'].filter(isRecord) : [];
  const headless = spec['clusterIP'] === 'None';
  if (ports.length === 0 && type !== 'ExternalName' && !headless) problems.push(required('spec.ports'));
  if (type === 'ExternalName' && !spec['externalName']) problems.push(required('spec.externalName'));
  const names = new Set<unknown>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    problems.push(...portFieldProblems(port, path, ports.length > 1));
    const name = port['name'];
    if (name && names.has(name)) problems.push(duplicate(`${path}.name`, name));
    names.add(name);
    const number = `${port['port']}/${port['protocol'] ?? 'TCP'}`;
    if (numbers.has(number)) problems.push(duplicate(path, port));
    numbers.add(number);
  }
  return problems;
}

export const serviceKind: ServedKind = {
  group: '',
  versions: ['v1'],
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  nameRule: 'label-1035',
  countsGenerations: false,
  columns: [
    nameColumn,
    column('Type', (object) => textAt(object, 'spec.type')),
    column('Cluster-IP', (object) => textAt(object, 'spec.clusterIP')),
    column('External-IP', externalCell),
    column('Port(s)', portsCell),
    ageColumn,
    wide(column('Selector', (object) => labelText(at(object, 'spec.selector')))),
  ],
  schema: schemaFile('service'),
  setDefaults,
  initialStatus: () => ({ loadBalancer: {} }),
  validate,
  validateUpdate: (object, old) => {
    const before = textAt(old, 'spec.clusterIP');
    const sameType = textAt(object, 'spec.type') !== 'ExternalName' && textAt(old, 'spec.type') !== 'ExternalName';
    const now = at(object, 'spec.clusterIP');
    return before !== undefined && sameType && now !== before ? [immutable('spec.clusterIP', now ?? '')] : [];
  },
};

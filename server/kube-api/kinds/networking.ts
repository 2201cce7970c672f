import type { FieldProblem, KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { typeSchema } from '../types/type-schema.ts';
import { ageColumn, at, column, firstThree, listAt, nameColumn, textAt } from './columns.ts';
import { invalidValue, required, unsupported } from './problems.ts';

const shared = { group: 'networking.k8s.io', versions: ['v1'], categories: [] };
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'] as const;

function hostsCell(object: KubeObject): string {
  const hosts = listAt(object, 'spec.rules').flatMap((rule) => textAt(rule, 'host') ?? []);
  return firstThree(hosts) ?? '*';
}

function addressCell(object: KubeObject): string {
  const addresses = listAt(object, 'status.loadBalancer.ingress').map(
    (each) => textAt(each, 'ip') ?? textAt(each, 'hostname'),
  );
  return addresses.filter((each) => each !== undefined).join(',');
}

function backendProblems(backend: unknown, path: string): FieldProblem[] {
  if (backend === undefined || at(backend, 'resource') !== undefined) return [];
  if (!textAt(backend, 'service.name')) return [required(`${path}.service.name`)];
  const [name, number] = [at(backend, 'service.port.name'), at(backend, 'service.port.number')];
  return name === undefined && number === undefined
    ? [required(`${path}.service.port`, 'port name or number is required')]
    : [];
}

function pathProblems(entry: unknown, path: string): FieldProblem[] {
  const type = at(entry, 'pathType');
  const problems = backendProblems(at(entry, 'backend'), `${path}.backend`);
  if (type === undefined) problems.push(required(`${path}.pathType`, 'pathType must be specified'));
  else if (!PATH_TYPES.some((each) => each === type)) problems.push(unsupported(`${path}.pathType`, type, PATH_TYPES));
  const value = at(entry, 'path');
  if (type !== 'ImplementationSpecific' && (typeof value !== 'string' || !value.startsWith('/'))) {
    problems.push(invalidValue(`${path}.path`, value ?? '', 'must be an absolute path'));
  }
  return problems;
}

function ingressProblems(object: KubeObject): FieldProblem[] {
  const rules = listAt(object, 'spec.rules');
  const fallback = at(object, 'spec.defaultBackend');
  if (rules.length === 0 && fallback === undefined) {
    return [invalidValue('spec', at(object, 'spec'), 'either `defaultBackend` or `rules` must be specified')];
  }
  return [
    ...backendProblems(fallback, 'spec.defaultBackend'),
    ...rules.flatMap((rule, index) =>
      listAt(rule, 'http.paths').flatMap((entry, at) => pathProblems(entry, `spec.rules[${index}].http.paths[${at}]`)),
    ),
  ];
}

export const ingressKind: ServedKind = {
  ...shared,
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  namespaced: true,
  columns: [
    nameColumn,
    column(
      'Class',
      (object) =>
        textAt(object, 'spec.ingressClassName') ?? object.metadata.annotations?.['kubernetes.io/ingress.class'],
    ),
    column('Hosts', hostsCell),
    { name: 'Address', type: 'string', priority: 0, cell: addressCell },
    column('Ports', (object) => (listAt(object, 'spec.tls').length > 0 ? '80, 443' : '80')),
    ageColumn,
  ],
  schema: () => typeSchema('networking.v1.Ingress'),
  initialStatus: () => ({ loadBalancer: {} }),
  validate: ingressProblems,
};

export const ingressClassKind: ServedKind = {
  ...shared,
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  shortNames: [],
  namespaced: false,
  columns: [
    nameColumn,
    column('Controller', (object) => textAt(object, 'spec.controller')),
    column('Parameters', (object) => textAt(object, 'spec.parameters.name')),
    ageColumn,
  ],
  schema: () => typeSchema('networking.v1.IngressClass'),
};

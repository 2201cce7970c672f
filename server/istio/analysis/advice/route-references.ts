import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Advice, Analyzer, Report } from '../analyzer.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName, namespaceOf } from '../mesh/objects.ts';
import { spellingAdvice } from '../spelling.ts';

const GATEWAY_API = 'gateway.networking.k8s.io';
const ROUTES = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'] as const;

/** What a backend that is not there means to clients. */
const LACK: Readonly<Record<(typeof ROUTES)[number], string>> = {
  HTTPRoute: 'requests for it are answered with 500',
  GRPCRoute: 'calls of it end with the status UNKNOWN',
  TLSRoute: 'connections to it are closed',
  TCPRoute: 'connections to it are closed',
};

interface Target {
  readonly kind: string;
  readonly group: string;
  readonly namespace: string;
  readonly name: Field;
}

const titleOf = ({ namespace, name }: Target): string => (namespace === '' ? name.text : `${namespace}/${name.text}`);

function targetOf(reference: Field, route: KubeObject, defaults: { kind: string; group: string }): Target {
  const group = reference.get('group');
  return {
    kind: reference.get('kind').text || defaults.kind,
    group: group.exists ? group.text : defaults.group,
    namespace: reference.get('namespace').text || namespaceOf(route),
    name: reference.get('name'),
  };
}

/** Another name of the kind in that namespace that may have been meant. */
function nameAdvice(target: Target, mesh: MeshView): Advice {
  const names = mesh
    .of(target.kind, target.group)
    .filter((each) => namespaceOf(each) === target.namespace)
    .map(({ metadata }) => metadata.name);
  return spellingAdvice(target.name, names);
}

function checkParents(route: KubeObject, mesh: MeshView, report: Report): void {
  for (const reference of specOf(route).get('parentRefs').items) {
    const target = targetOf(reference, route, { kind: 'Gateway', group: GATEWAY_API });
    const isRead = target.kind === 'Gateway' || target.kind === 'Service';
    if (!isRead || mesh.find(target.kind, target.group, target.namespace, target.name.text)) continue;
    const values = {
      kind: route.kind,
      name: route.metadata.name,
      parentKind: target.kind,
      parent: titleOf(target),
    };
    report('MW0520', { object: route, path: target.name.path }, values, nameAdvice(target, mesh));
  }
}

/** Whether a ReferenceGrant in the backend's namespace lets this kind of route use it. */
function isGranted(route: KubeObject, target: Target, mesh: MeshView): boolean {
  if (target.namespace === namespaceOf(route)) return true;
  return mesh.of('ReferenceGrant', GATEWAY_API).some((grant) => {
    const spec = specOf(grant);
    const from = spec
      .get('from')
      .items.some((each) => each.get('kind').text === route.kind && each.get('namespace').text === namespaceOf(route));
    const to = spec
      .get('to')
      .items.some(
        (each) => each.get('kind').text === target.kind && ['', target.name.text].includes(each.get('name').text),
      );
    return namespaceOf(grant) === target.namespace && from && to;
  });
}

interface Backend {
  readonly route: KubeObject;
  readonly reference: Field;
  readonly effect: string;
}

function checkBackend({ route, reference, effect }: Backend, mesh: MeshView, report: Report): void {
  const target = targetOf(reference, route, { kind: 'Service', group: '' });
  if (target.kind !== 'Service' || target.group !== '') return;
  const place = { object: route, path: target.name.path };
  const service = mesh.find('Service', '', target.namespace, target.name.text);
  if (!isGranted(route, target, mesh)) {
    const values = { backend: titleOf(target), kind: route.kind, namespace: namespaceOf(route) };
    report('MW0523', place, values);
  } else if (!service) report('MW0521', place, { backend: titleOf(target), effect }, nameAdvice(target, mesh));
  else {
    const port = reference.get('port');
    const ports = specOf(service)
      .get('ports')
      .items.map((each) => each.get('port').number);
    if (!port.exists || ports.includes(port.number)) return;
    const repair =
      ports.length === 1 ? { title: `Use port ${ports[0]}`, path: port.path, text: `${ports[0]}` } : undefined;
    const values = { service: fullName(service), port: port.number, effect };
    report('MW0522', { object: route, path: port.path }, values, { repair });
  }
}

/** MW0520 to MW0523: parents and backends of Gateway API routes. */
export const routeReferences: Analyzer = {
  name: 'meshwork.RouteReferences',
  codes: ['MW0520', 'MW0521', 'MW0522', 'MW0523'],
  analyze(mesh, report) {
    for (const kind of ROUTES) {
      for (const route of mesh.of(kind, GATEWAY_API)) {
        checkParents(route, mesh, report);
        for (const rule of specOf(route).get('rules').items) {
          for (const reference of rule.get('backendRefs').items)
            checkBackend({ route, reference, effect: LACK[kind] }, mesh, report);
        }
      }
    }
  },
};

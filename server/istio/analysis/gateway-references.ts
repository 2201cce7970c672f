import type { KubeObject } from '#domain';
import { didYouMean } from '../diagnostics/suggest.ts';
import { type Field, specOf } from '../rules/field.ts';
import { hostsMatch } from '../rules/hosts.ts';
import type { Analyzer } from './analyzer.ts';
import { type MeshView, namespaceOf } from './mesh-view.ts';

interface GatewayName {
  readonly namespace: string;
  readonly name: string;
}

/** `name`, `namespace/name`, or the old `name.namespace.svc…`. */
function gatewayName(text: string, namespace: string): GatewayName {
  const slash = text.indexOf('/');
  if (slash >= 0) return { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
  const [name = '', other] = text.split('.');
  return { namespace: other ?? namespace, name };
}

/** Hosts of a Gateway's servers that this namespace may use, without their namespace part. */
function hostsFor(gateway: KubeObject, namespace: string): string[] {
  const own = namespaceOf(gateway);
  const hosts = specOf(gateway)
    .get('servers')
    .items.flatMap((server) => server.get('hosts').texts);
  return hosts.flatMap((host) => {
    const slash = host.indexOf('/');
    if (slash < 0) return [host];
    const owner = host.slice(0, slash) === '.' ? own : host.slice(0, slash);
    return owner === '*' || owner === namespace ? [host.slice(slash + 1)] : [];
  });
}

/** Hosts of a Gateway API Gateway; undefined when a listener takes any. */
function listenerHosts(gateway: KubeObject): string[] | undefined {
  const listeners = specOf(gateway).get('listeners').items;
  if (listeners.some((listener) => listener.get('hostname').text === '')) return undefined;
  return listeners.map((listener) => listener.get('hostname').text);
}

function servedHosts(
  mesh: MeshView,
  { namespace, name }: GatewayName,
  from: string,
): { found: boolean; hosts?: string[] } {
  const gateway = mesh.find('Gateway', 'networking.istio.io', namespace, name);
  if (gateway) return { found: true, hosts: hostsFor(gateway, from) };
  const other = mesh.find('Gateway', 'gateway.networking.k8s.io', namespace, name);
  if (!other) return { found: false };
  const hosts = listenerHosts(other);
  return hosts ? { found: true, hosts } : { found: true };
}

function gatewayHint(text: string, mesh: MeshView, namespace: string): string | undefined {
  const named = mesh.istio('Gateway').map((each) => {
    const own = namespaceOf(each) === namespace;
    return own ? each.metadata.name : `${namespaceOf(each)}/${each.metadata.name}`;
  });
  const meant = named.find((each) => each.endsWith(`/${text}`)) ?? didYouMean(text, named);
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}

/** IST0101 and IST0132: the Gateways that a VirtualService names, and whether they serve its hosts. */
export const gatewayReferences: Analyzer = {
  name: 'virtualservice.GatewayAnalyzer',
  codes: ['IST0101', 'IST0132'],
  analyze(mesh, report) {
    for (const object of mesh.istio('VirtualService')) {
      const spec = specOf(object);
      const namespace = namespaceOf(object);
      const hosts = spec.get('hosts').texts;
      for (const field of spec.get('gateways').items.filter((each: Field) => each.text !== 'mesh')) {
        const name = gatewayName(field.text, namespace);
        const served = servedHosts(mesh, name, namespace);
        const at = { object, path: field.path };
        if (!served.found) {
          const values = { reftype: 'gateway', refval: field.text };
          report('IST0101', at, values, gatewayHint(field.text, mesh, namespace));
        } else if (served.hosts && !served.hosts.some((each) => hosts.some((host) => hostsMatch(each, host)))) {
          const values = {
            hosts: hosts.join(' '),
            virtualService: `${namespace}/${object.metadata.name}`,
            gateway: `${name.namespace}/${name.name}`,
          };
          report('IST0132', at, values);
        }
      }
    }
  },
};

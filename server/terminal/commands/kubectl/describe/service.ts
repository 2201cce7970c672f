import type { KubeObject } from '#domain';
import type { ShellContext } from '../../../command.ts';
import { hasEvents } from './events.ts';
import { annotations, type Field, formatFields, pairs } from './format.ts';

interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly ipFamilies?: readonly string[];
  readonly externalName?: string;
  readonly sessionAffinity?: string;
  readonly externalTrafficPolicy?: string;
  readonly internalTrafficPolicy?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly targetPort?: number | string;
    readonly protocol?: string;
  }[];
}

export function describeService(object: KubeObject, context: ShellContext): string[] {
  const { metadata } = object;
  const spec = (object.spec ?? {}) as ServiceSpec;
  const slices = context.sandbox.store.list('EndpointSlice', {
    namespace: metadata.namespace ?? '',
    labelSelector: `kubernetes.io/service-name=${metadata.name}`,
  });
  const ports = (spec.ports ?? []).flatMap(({ name, port, targetPort, protocol = 'TCP' }): Field[] => [
    ['Port', `${name ?? '<unset>'}  ${port}/${protocol}`],
    ['TargetPort', `${targetPort ?? port}/${protocol}`],
    ['Endpoints', endpointText(slices, name)],
  ]);
  const selector = Object.entries(spec.selector ?? {}).map(([key, text]) => `${key}=${text}`);
  const fields: Field[] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace ?? ''],
    ['Labels', ...pairs(metadata.labels)],
    ['Annotations', ...annotations(metadata.annotations)],
    ['Selector', selector.join(',') || '<none>'],
    ['Type', spec.type ?? 'ClusterIP'],
    ['IP Families', spec.ipFamilies?.join(',') ?? '<none>'],
    ['IP', spec.clusterIP ?? ''],
    ['IPs', spec.clusterIPs?.join(',') ?? spec.clusterIP ?? '<none>'],
    ...(spec.externalName === undefined ? [] : [['External Name', spec.externalName] satisfies Field]),
    ...ports,
    ['Session Affinity', spec.sessionAffinity ?? 'None'],
    ...(spec.type === 'NodePort' || spec.type === 'LoadBalancer'
      ? [['External Traffic Policy', spec.externalTrafficPolicy ?? 'Cluster'] satisfies Field]
      : []),
    ['Internal Traffic Policy', spec.internalTrafficPolicy ?? 'Cluster'],
  ];
  // With the fields while there are none.
  return hasEvents(object, context) ? formatFields(fields) : formatFields([...fields, ['Events', '<none>']]);
}

const MAX_ENDPOINTS = 3;

function endpointText(slices: readonly KubeObject[], portName: string | undefined): string {
  const all = slices.flatMap((slice) => {
    const ports = (slice['ports'] ?? []) as { name?: string; port: number }[];
    const endpoints = (slice['endpoints'] ?? []) as { addresses: string[]; conditions?: { ready?: boolean } }[];
    const port = ports.find((each) => (each.name ?? '') === (portName ?? ''));
    return port
      ? endpoints
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses.map((address) => `${address}:${port.port}`))
      : [];
  });
  const more = all.length - MAX_ENDPOINTS;
  return `${all.slice(0, MAX_ENDPOINTS).join(',')}${more > 0 ? ` + ${more} more...` : ''}`;
}

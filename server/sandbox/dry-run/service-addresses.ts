import { formatAddress, type KubeObject, type SocketAddress } from '#domain';

interface ServiceShape extends KubeObject {
  readonly spec?: {
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  };
}

interface SliceShape extends KubeObject {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
}

const SERVICE_NAME = 'kubernetes.io/service-name';

/**
 * kube-proxy's part: a connection to a Service's own address goes to one of its ready endpoints, here always the first; undefined where
 * there is none, so that it is refused. Other addresses stay as they are.
 */
export function createServiceAddresses(
  objects: readonly KubeObject[],
): (to: SocketAddress) => SocketAddress | undefined {
  const slices = Map.groupBy(
    objects.filter((object): object is SliceShape => object.kind === 'EndpointSlice'),
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[SERVICE_NAME]}`,
  );
  const targets = new Map<string, SocketAddress | undefined>();
  for (const object of objects) {
    if (object.kind !== 'Service' || object.apiVersion !== 'v1') continue;
    const { clusterIP, ports = [] } = (object as ServiceShape).spec ?? {};
    if (clusterIP === undefined || clusterIP === 'None') continue;
    const own = slices.get(`${object.metadata.namespace}/${object.metadata.name}`) ?? [];
    for (const { name = '', port } of ports) {
      targets.set(formatAddress({ ip: clusterIP, port }), own.map((slice) => endpointOf(slice, name)).find(Boolean));
    }
  }
  return (to) => {
    const key = formatAddress(to);
    return targets.has(key) ? targets.get(key) : to;
  };
}

function endpointOf({ ports = [], endpoints = [] }: SliceShape, portName: string): SocketAddress | undefined {
  const port = ports.find(({ name = '' }) => name === portName)?.port;
  const ready = endpoints.find(({ conditions }) => conditions?.ready !== false);
  const ip = ready?.addresses?.[0];
  return port === undefined || ip === undefined ? undefined : { ip, port };
}

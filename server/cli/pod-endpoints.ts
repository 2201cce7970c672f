import type { KubeObject } from '#domain';

interface ServicePortShape {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly targetPort?: number | string;
}

interface ServiceShape extends KubeObject {
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly ServicePortShape[];
    readonly type?: string;
  };
}

interface PodShape extends KubeObject {
  readonly spec?: {
    readonly containers?: readonly {
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
    }[];
  };
  readonly status?: { readonly podIP?: string; readonly phase?: string };
}

interface EndpointsShape extends KubeObject {
  readonly subsets?: readonly {
    readonly addresses?: readonly {
      readonly ip: string;
      readonly targetRef?: object;
      readonly nodeName?: string;
      readonly hostname?: string;
    }[];
    readonly notReadyAddresses?: readonly { readonly ip: string; readonly targetRef?: object }[];
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  }[];
}

const key = ({ metadata }: KubeObject): string => `${metadata.namespace ?? 'default'}/${metadata.name}`;

/**
 * The objects, and the EndpointSlices that a cluster's controllers would have made: from Endpoints, else from the pods that a Service
 * selects. Services that have slices of their own keep them.
 */
export function completeEndpoints(objects: readonly KubeObject[]): KubeObject[] {
  const slices = objects.filter(({ kind }) => kind === 'EndpointSlice');
  const served = new Set(
    slices.map(
      ({ metadata }) => `${metadata.namespace ?? 'default'}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`,
    ),
  );
  const made: KubeObject[] = [];
  for (const object of objects) {
    if (object.kind !== 'Endpoints' || served.has(key(object))) continue;
    served.add(key(object));
    made.push(...mirror(object as EndpointsShape));
  }
  const pods = objects.filter(({ kind, apiVersion }) => kind === 'Pod' && apiVersion === 'v1') as PodShape[];
  for (const object of objects) {
    if (object.kind !== 'Service' || object.apiVersion !== 'v1' || served.has(key(object))) continue;
    made.push(...selected(object as ServiceShape, pods));
  }
  return [...objects, ...made];
}

const slice = (owner: KubeObject, index: number, content: Record<string, unknown>): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: `${owner.metadata.name}-${index}`,
    namespace: owner.metadata.namespace ?? 'default',
    labels: { 'kubernetes.io/service-name': owner.metadata.name },
  },
  addressType: 'IPv4',
  ...content,
});

function mirror(object: EndpointsShape): KubeObject[] {
  return (object.subsets ?? []).map(({ addresses = [], notReadyAddresses = [], ports = [] }, i) =>
    slice(object, i, {
      ports,
      endpoints: [
        ...addresses.map(({ ip, ...rest }) => ({ addresses: [ip], conditions: { ready: true }, ...rest })),
        ...notReadyAddresses.map(({ ip, ...rest }) => ({ addresses: [ip], conditions: { ready: false }, ...rest })),
      ],
    }),
  );
}

/** One slice a set of port numbers: pods may call different numbers by the same name. */
function selected(service: ServiceShape, pods: readonly PodShape[]): KubeObject[] {
  const { selector = {}, ports = [], type } = service.spec ?? {};
  const wanted = Object.entries(selector);
  if (wanted.length === 0 || type === 'ExternalName') return [];
  const groups = new Map<string, { ports: object[]; endpoints: object[] }>();
  for (const pod of pods) {
    const { labels = {}, name, namespace = 'default' } = pod.metadata;
    const ip = pod.status?.podIP;
    if (namespace !== (service.metadata.namespace ?? 'default') || ip === undefined) continue;
    if (!wanted.every(([label, value]) => labels[label] === value)) continue;
    const numbers = ports.flatMap((port) => podPort(port, pod));
    const group = groups.get(JSON.stringify(numbers)) ?? { ports: numbers, endpoints: [] };
    groups.set(JSON.stringify(numbers), group);
    group.endpoints.push({
      addresses: [ip],
      conditions: { ready: pod.status?.phase === undefined || pod.status.phase === 'Running' },
      targetRef: { kind: 'Pod', name, namespace },
    });
  }
  return [...groups.values()].map((content, i) => slice(service, i, content));
}

function podPort({ name, port, protocol, targetPort = port }: ServicePortShape, pod: PodShape): object[] {
  const number =
    typeof targetPort === 'number'
      ? targetPort
      : (pod.spec?.containers ?? []).flatMap(({ ports = [] }) => ports).find((each) => each.name === targetPort)
          ?.containerPort;
  return number === undefined ? [] : [{ name: name ?? '', port: number, protocol: protocol ?? 'TCP' }];
}

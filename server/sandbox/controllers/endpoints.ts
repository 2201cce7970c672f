import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import {
  addressOf,
  type EndpointSliceObject,
  nameOf,
  SERVICE_NAME_LABEL,
  type ServiceObject,
  slicesOf,
} from '../kube-types.ts';
import { createWorkQueue } from './work-queue.ts';

const MIRROR = 'endpointslicemirroring-controller.k8s.io';

interface Subset {
  readonly addresses?: readonly Address[];
  readonly notReadyAddresses?: readonly Address[];
  readonly ports?: EndpointSliceObject['ports'];
}

interface Address {
  readonly ip: string;
  readonly nodeName?: string;
  readonly targetRef?: object;
}

/**
 * The older form of a Service's addresses, for those who still read it, and the way back: Endpoints that somebody wrote for a Service
 * without selector become an EndpointSlice, which is what the mesh reads.
 */
export function startEndpointsController(options: {
  readonly store: KubeStore;
  readonly onError: (what: string, error: unknown) => void;
}): () => void {
  const { store, onError } = options;
  if (store.kinds.find('Endpoints') === undefined) return () => undefined;
  const queue = createWorkQueue({
    reconcile: (key, changeId) => reconcile(store, key, changeId),
    onError: (key, error) => onError(`endpoints ${key}`, error),
    pace: 'calm',
  });
  const stops = [
    store.watch('EndpointSlice', ({ object, changeId }) => {
      const service = object.metadata.labels?.[SERVICE_NAME_LABEL];
      if (service !== undefined) queue.add(`${object.metadata.namespace}/${service}`, changeId);
    }),
    ...['Service', 'Endpoints'].map((kind) =>
      store.watch(kind, ({ object, changeId }) =>
        queue.add(`${object.metadata.namespace}/${object.metadata.name}`, changeId),
      ),
    ),
  ];
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

function reconcile(store: KubeStore, key: string, changeId: string): void {
  const name = nameOf(key);
  const service = store.get('Service', name) as ServiceObject | undefined;
  const endpoints = store.get('Endpoints', name);
  if (service === undefined) {
    if (endpoints !== undefined) store.delete('Endpoints', name, { changeId });
  } else if (service.spec.selector === undefined) mirror(store, { service, endpoints, changeId });
  else write(store, { service, endpoints, changeId });
}

interface Run {
  readonly service: ServiceObject;
  readonly endpoints: KubeObject | undefined;
  readonly changeId: string;
}

function write(store: KubeStore, { service, endpoints, changeId }: Run): void {
  const { name, namespace = '', labels } = service.metadata;
  const subsets = slicesOf(store, service.metadata).flatMap(subsetOf);
  if (endpoints !== undefined && JSON.stringify(endpoints['subsets'] ?? []) === JSON.stringify(subsets)) return;
  const metadata = { name, namespace, ...(labels === undefined ? {} : { labels }) };
  const object: KubeObject = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets };
  if (endpoints === undefined) store.create(object, { changeId });
  else store.update({ ...endpoints, subsets }, { changeId });
}

function subsetOf({ endpoints, ports }: EndpointSliceObject): Subset[] {
  // This older form has no word for pods that end.
  const present = endpoints.filter(({ conditions }) => conditions?.terminating !== true || conditions.ready === true);
  const listed = present.map(({ addresses, conditions, ...rest }) => ({
    ready: conditions?.ready !== false,
    address: { ip: addresses[0] ?? '', ...pick(rest) },
  }));
  const of = (ready: boolean): Address[] => listed.filter((each) => each.ready === ready).map(({ address }) => address);
  const [addresses, notReadyAddresses] = [of(true), of(false)];
  if (listed.length === 0) return [];
  return [
    {
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
      ports,
    },
  ];
}

const pick = ({ nodeName, targetRef }: { nodeName?: string; targetRef?: object }): Partial<Address> => ({
  ...(nodeName === undefined ? {} : { nodeName }),
  ...(targetRef === undefined ? {} : { targetRef }),
});

function mirror(store: KubeStore, { service, endpoints, changeId }: Run): void {
  const { name, namespace = '' } = service.metadata;
  const present = slicesOf(store, service.metadata).filter(
    ({ metadata }) => metadata.labels?.['endpointslice.kubernetes.io/managed-by'] === MIRROR,
  );
  const subsets = (endpoints?.['subsets'] ?? []) as readonly Subset[];
  const wanted = subsets.map(
    (subset, index): KubeObject => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${name}-mirror-${index + 1}`,
        namespace,
        labels: { [SERVICE_NAME_LABEL]: name, 'endpointslice.kubernetes.io/managed-by': MIRROR },
      },
      addressType: 'IPv4',
      endpoints: [
        ...(subset.addresses ?? []).map(({ ip }) => ({ addresses: [ip], conditions: { ready: true } })),
        ...(subset.notReadyAddresses ?? []).map(({ ip }) => ({ addresses: [ip], conditions: { ready: false } })),
      ],
      ports: (subset.ports ?? []).map((port) => ({ name: '', protocol: 'TCP', ...port })),
    }),
  );
  for (const object of wanted) store.apply(object, { changeId });
  for (const old of present) {
    if (!wanted.some(({ metadata }) => metadata.name === old.metadata.name))
      store.delete('EndpointSlice', addressOf(old), { changeId });
  }
}

import type { KubeObject } from '#domain';
import { toConfig } from './config.ts';
import { isTrue } from './pilot-features.ts';
import { augmentLabels, NOWHERE, ownLocality, parseLocality, type Workload } from './workloads.ts';

export interface WorkloadEntrySpec {
  readonly address?: string;
  readonly ports?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly network?: string;
  readonly locality?: string;
  readonly weight?: number;
  readonly serviceAccount?: string;
}

/** A workload that services may select, with the ports it calls by other numbers. */
export interface WorkloadInstance {
  readonly kind: 'Pod' | 'WorkloadEntry';
  /** An IP, a DNS name, `unix://…`, or empty where only its network's gateway is known. */
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly weight: number;
  readonly network: string;
  readonly workload: Workload;
}

interface StatusShape {
  readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
}

/** A WorkloadEntry, or an endpoint that a ServiceEntry lists. An account means that it has a sidecar, unless its label says otherwise. */
export function workloadOfEntry(
  spec: WorkloadEntrySpec,
  { namespace, name, origin }: Pick<Workload, 'namespace' | 'name' | 'origin'>,
  trustDomain: string,
): WorkloadInstance {
  const { labels: own = {}, serviceAccount = '', address = '' } = spec;
  const label = own['security.istio.io/tlsMode'];
  const locality = spec.locality ? parseLocality(spec.locality) : (ownLocality(own) ?? NOWHERE);
  const network = spec.network ?? own['topology.istio.io/network'] ?? '';
  return {
    kind: 'WorkloadEntry',
    address,
    ports: spec.ports ?? {},
    weight: spec.weight ?? 0,
    network,
    workload: {
      name,
      namespace,
      ip: address,
      labels: augmentLabels(own, { locality, network, node: '' }),
      serviceAccount,
      locality,
      tlsMode: (label ?? (serviceAccount === '' ? 'disabled' : 'istio')) === 'istio' ? 'istio' : 'disabled',
      workloadName: name,
      namedPorts: new Map(),
      node: '',
      network,
      trustDomain,
      ...(origin && { origin }),
    },
  };
}

/** All WorkloadEntries that count. Labels of the object and of its spec count; the object's win. */
export const deriveWorkloadEntries = (
  objects: readonly KubeObject[],
  trustDomain: string,
): readonly WorkloadInstance[] =>
  objects.filter(isHealthy).map((object) => {
    const { spec, namespace, name } = toConfig<WorkloadEntrySpec>(object);
    const labels = { ...spec.labels, ...object.metadata.labels };
    const instance = workloadOfEntry(
      { ...spec, labels },
      { namespace, name, origin: { kind: 'WorkloadEntry', name, path: '' } },
      trustDomain,
    );
    return { ...instance, workload: { ...instance.workload, workloadName: workloadNameOf(object) } };
  });

/** A proxy's agent tells of its application's health; until it has, the workload counts as unhealthy. Source: isHealthy in istio pilot. */
function isHealthy({ metadata, status }: KubeObject): boolean {
  if (!isTrue(metadata.annotations?.['proxy.istio.io/health-checks-enabled'])) return true;
  const { conditions = [] } = (status ?? {}) as StatusShape;
  return conditions.find(({ type }) => type === 'Healthy')?.status === 'True';
}

/** Registered by itself, a workload has its group's name. Source: WorkloadNameFromWorkloadEntry in istio/pkg/kube/labels. */
const workloadNameOf = ({ metadata: { name, annotations = {}, labels = {} } }: KubeObject): string =>
  annotations['istio.io/autoRegistrationGroup'] ?? labels['service.istio.io/workload-name'] ?? name;

import { type KubeObject, parseApiVersion } from '#domain';
import { append } from './lists.ts';
import { DEFAULT_MESH_SETTINGS, type MeshSettings, type RegistryEndpoint } from './mesh-settings.ts';
import { namespaceOf } from './objects.ts';
import { ServiceHosts } from './service-hosts.ts';
import { podWorkload, templateWorkload, type Workload, WorkloadIndex } from './workloads.ts';

export const NETWORKING = 'networking.istio.io';
export const SECURITY = 'security.istio.io';

const NETWORKING_KINDS = [
  'VirtualService',
  'DestinationRule',
  'Gateway',
  'ServiceEntry',
  'Sidecar',
  'EnvoyFilter',
  'ProxyConfig',
  'WorkloadEntry',
] as const;

export interface MeshViewOptions {
  readonly settings?: MeshSettings | undefined;
  readonly registryEndpoints?: readonly RegistryEndpoint[] | undefined;
  /**
   * Which Deployments stand for pods that are not there yet: none when the objects are a whole cluster, those without pods when some
   * are still to be applied.
   */
  readonly templates?: 'none' | 'without-pods';
  /** The objects are manifests alone: namespaces that are not among them may well exist. */
  readonly partial?: boolean;
}

/** What analyzers ask of a snapshot: objects by kind, hosts, workloads. Built once, read by all. */
export class MeshView {
  readonly #byKind = new Map<string, KubeObject[]>();
  readonly #byName = new Map<string, KubeObject>();
  readonly hosts: ServiceHosts;
  readonly workloads: WorkloadIndex;
  readonly settings: MeshSettings;
  readonly registryEndpoints: readonly RegistryEndpoint[];
  /** See MeshViewOptions. */
  readonly partial: boolean;

  constructor(objects: Iterable<KubeObject>, options: MeshViewOptions = {}) {
    this.settings = options.settings ?? DEFAULT_MESH_SETTINGS;
    this.registryEndpoints = options.registryEndpoints ?? [];
    this.partial = options.partial ?? false;
    for (const object of objects) {
      const kind = `${parseApiVersion(object.apiVersion).group}/${object.kind}`;
      append(this.#byKind, kind, object);
      this.#byName.set(`${kind}/${namespaceOf(object)}/${object.metadata.name}`, object);
    }
    this.hosts = new ServiceHosts(this.istio('ServiceEntry'), this.of('Service'));
    this.workloads = new WorkloadIndex(this.#allWorkloads(options.templates ?? 'none'));
  }

  #allWorkloads(templates: 'none' | 'without-pods'): Workload[] {
    const pods = this.of('Pod').map(podWorkload);
    if (templates === 'none') return pods;
    const present = new WorkloadIndex(pods);
    const missing = this.of('Deployment', 'apps')
      .map(templateWorkload)
      .filter(({ labels, namespace }) => !present.has(labels, namespace));
    return [...pods, ...missing];
  }

  /** Objects of a kind; the core group is the empty text. */
  of(kind: string, group = ''): readonly KubeObject[] {
    return this.#byKind.get(`${group}/${kind}`) ?? [];
  }

  istio(kind: (typeof NETWORKING_KINDS)[number]): readonly KubeObject[] {
    return this.of(kind, NETWORKING);
  }

  get telemetries(): readonly KubeObject[] {
    return this.of('Telemetry', 'telemetry.istio.io');
  }

  get mutatingWebhooks(): readonly KubeObject[] {
    return this.of('MutatingWebhookConfiguration', 'admissionregistration.k8s.io');
  }

  find(kind: string, group: string, namespace: string, name: string): KubeObject | undefined {
    return this.#byName.get(`${group}/${kind}/${namespace}/${name}`);
  }

  namespaceObject(name: string): KubeObject | undefined {
    return this.find('Namespace', '', '', name);
  }

  /** Services of this name, in any namespace. */
  servicesNamed(name: string): readonly KubeObject[] {
    return this.of('Service').filter((each) => each.metadata.name === name);
  }
}

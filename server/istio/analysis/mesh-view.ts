import type { KubeObject } from '#domain';
import { parseApiVersion, serviceHostname } from '#domain';
import { type Field, specOf } from '../rules/field.ts';
import { hostsMatch } from '../rules/hosts.ts';

export interface MeshPort {
  readonly number: number;
  readonly name: string;
}

/** A host that traffic can go to: a Service, or a host of a ServiceEntry. */
export interface MeshHost {
  readonly host: string;
  readonly ports: readonly MeshPort[];
  readonly namespace: string;
  /** Labels of its pods; undefined when it has none of its own (a ServiceEntry with endpoints, a Service without selector). */
  readonly selector?: Readonly<Record<string, string>>;
}

/** Pods as they are or as Deployments will make them. */
export interface MeshWorkload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

const labelsOf = (field: Field): Record<string, string> =>
  Object.fromEntries(field.entries.map(([key, value]) => [key, value.text]));

const portsOf = (ports: Field, number: string): MeshPort[] =>
  ports.items.map((port) => ({ number: port.get(number).number, name: port.get('name').text }));

/** What analyzers ask of a snapshot: objects by kind, hosts, workloads. Built once, read by all. */
export class MeshView {
  readonly #byKind = new Map<string, KubeObject[]>();
  readonly #hosts = new Map<string, MeshHost>();
  readonly #wildcards: MeshHost[] = [];
  readonly workloads: readonly MeshWorkload[];
  readonly rootNamespace: string;

  constructor(objects: Iterable<KubeObject>, options: { readonly rootNamespace: string }) {
    this.rootNamespace = options.rootNamespace;
    for (const object of objects) {
      const { group } = parseApiVersion(object.apiVersion);
      const key = `${group}/${object.kind}`;
      const list = this.#byKind.get(key) ?? [];
      this.#byKind.set(key, list);
      list.push(object);
    }
    for (const service of this.of('Service')) this.#addHost(serviceHost(service));
    for (const host of this.istio('ServiceEntry').flatMap(entryHosts)) this.#addHost(host);
    this.workloads = [
      ...this.of('Pod').map((pod) => ({ namespace: namespaceOf(pod), labels: pod.metadata.labels ?? {} })),
      ...this.of('Deployment', 'apps').map((deployment) => ({
        namespace: namespaceOf(deployment),
        labels: labelsOf(specOf(deployment).at('template.metadata.labels')),
      })),
    ];
  }

  #addHost(host: MeshHost): void {
    if (host.host.startsWith('*')) this.#wildcards.push(host);
    else this.#hosts.set(host.host, host);
  }

  /** Objects of a kind; the core group is the empty text. */
  of(kind: string, group = ''): readonly KubeObject[] {
    return this.#byKind.get(`${group}/${kind}`) ?? [];
  }

  istio(kind: 'VirtualService' | 'DestinationRule' | 'Gateway' | 'ServiceEntry'): readonly KubeObject[] {
    return this.of(kind, 'networking.istio.io');
  }

  find(kind: string, group: string, namespace: string, name: string): KubeObject | undefined {
    return this.of(kind, group).find((each) => each.metadata.name === name && namespaceOf(each) === namespace);
  }

  /** The host that a name in a rule of this namespace means; undefined when the mesh has none. */
  host(name: string, namespace: string): MeshHost | undefined {
    const full = fullHost(name, namespace);
    const exact = this.#hosts.get(full);
    if (exact) return exact;
    if (full.startsWith('*')) return [...this.#hosts.values()].find((each) => hostsMatch(full, each.host));
    return this.#wildcards.find((each) => hostsMatch(each.host, full));
  }

  /** Names of all hosts, for suggestions. */
  get hostNames(): Iterable<string> {
    return this.#hosts.keys();
  }

  /** Services of this name in other namespaces. */
  servicesNamed(name: string): readonly KubeObject[] {
    return this.of('Service').filter((each) => each.metadata.name === name);
  }
}

export const namespaceOf = (object: KubeObject): string => object.metadata.namespace ?? '';

/** A short name means a Service in the namespace of the rule; a name with dots stands for itself. */
export function fullHost(name: string, namespace: string): string {
  return name.includes('.') || name.startsWith('*') ? name : serviceHostname(name, namespace);
}

function serviceHost(service: KubeObject): MeshHost {
  const spec = specOf(service);
  const selector = labelsOf(spec.get('selector'));
  return {
    host: serviceHostname(service.metadata.name, namespaceOf(service)),
    ports: portsOf(spec.get('ports'), 'port'),
    namespace: namespaceOf(service),
    ...(Object.keys(selector).length > 0 ? { selector } : {}),
  };
}

function entryHosts(entry: KubeObject): MeshHost[] {
  const spec = specOf(entry);
  const selector = spec.at('workloadSelector.labels');
  return spec.get('hosts').texts.map((host) => ({
    host,
    ports: portsOf(spec.get('ports'), 'number'),
    namespace: namespaceOf(entry),
    ...(selector.exists ? { selector: labelsOf(selector) } : {}),
  }));
}

/** Whether every label of the selector is there with the same value. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

export { labelsOf };

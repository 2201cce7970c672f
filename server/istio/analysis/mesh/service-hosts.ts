import { type KubeObject, serviceHostname } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import { fullHost, type Labels, labelsOf, namespaceOf, objectAnnotations } from './objects.ts';

/** A host that traffic can go to: a Service, or a host of a ServiceEntry. */
export interface MeshHost {
  readonly host: string;
  readonly ports: readonly number[];
  readonly namespace: string;
  readonly origin: 'Service' | 'ServiceEntry';
  /** What selects its pods: a Service's selector, a ServiceEntry's workloadSelector. Empty when it has none. */
  readonly selector: Labels;
}

/** A host as seen from a rule: its namespace, and the namespaces that the rule is exported to. */
export interface HostQuery {
  readonly host: string;
  readonly namespace: string;
  readonly exportTo: readonly string[];
}

const EVERYWHERE = '*';

const portsOf = (ports: Field, name: string): number[] => ports.items.map((port) => port.get(name).number);

/** Namespaces that see a ServiceEntry: `*` for all. */
function scopesOfEntry(entry: KubeObject): readonly string[] {
  const exportTo = specOf(entry).get('exportTo').texts;
  if (exportTo.length === 0 || exportTo.includes(EVERYWHERE)) return [EVERYWHERE];
  return exportTo.map((each) => (each === '.' ? namespaceOf(entry) : each));
}

/** Namespaces that see a Service, from its annotation networking.istio.io/exportTo. */
function scopesOfService(service: KubeObject): readonly string[] {
  const exportTo = objectAnnotations(service)['networking.istio.io/exportTo'] ?? '';
  if (exportTo === '') return [EVERYWHERE];
  return exportTo.split(',').map((each) => (each.trim() === '.' ? namespaceOf(service) : each.trim()));
}

/** Hosts of Services and ServiceEntries by the namespaces that see them. A Service wins over a ServiceEntry for its name. */
export class ServiceHosts {
  readonly #exact = new Map<string, MeshHost>();
  /** Hosts with a wildcard, by what follows the `*`. */
  readonly #wildcards = new Map<string, { readonly scope: string; readonly host: MeshHost }[]>();
  readonly #names = new Set<string>();

  constructor(entries: readonly KubeObject[], services: readonly KubeObject[]) {
    for (const entry of entries) this.#addEntry(entry);
    for (const service of services) this.#addService(service);
  }

  #addEntry(entry: KubeObject): void {
    const spec = specOf(entry);
    const namespace = namespaceOf(entry);
    for (const text of spec.get('hosts').texts) {
      const host: MeshHost = {
        host: fullHost(text, namespace),
        ports: portsOf(spec.get('ports'), 'number'),
        namespace,
        origin: 'ServiceEntry',
        selector: labelsOf(spec.at('workloadSelector.labels')),
      };
      for (const scope of scopesOfEntry(entry)) this.#add(scope, host);
    }
  }

  #addService(service: KubeObject): void {
    const spec = specOf(service);
    const namespace = namespaceOf(service);
    const host: MeshHost = {
      host: serviceHostname(service.metadata.name, namespace),
      ports: portsOf(spec.get('ports'), 'port'),
      namespace,
      origin: 'Service',
      selector: labelsOf(spec.get('selector')),
    };
    for (const scope of scopesOfService(service)) this.#add(scope, host);
  }

  #add(scope: string, host: MeshHost): void {
    this.#names.add(host.host);
    this.#exact.set(`${scope}/${host.host}`, host);
    if (!host.host.startsWith('*')) return;
    const suffix = host.host.slice(1);
    const list = this.#wildcards.get(suffix) ?? [];
    this.#wildcards.set(suffix, [...list, { scope, host }]);
  }

  /** Names of all hosts, for suggestions. */
  get names(): Iterable<string> {
    return this.#names;
  }

  /** The host that a rule means; undefined when the rule's namespace sees none. */
  find({ host, namespace, exportTo }: HostQuery): MeshHost | undefined {
    const full = fullHost(host, namespace);
    const everywhere = this.#exact.get(`${EVERYWHERE}/${full}`);
    if (everywhere) return everywhere;
    const scopes = exportTo.length === 0 ? [namespace] : exportTo.map((each) => (each === '.' ? namespace : each));
    for (const scope of scopes) {
      const found = this.#exact.get(`${scope}/${full}`);
      if (found) return found;
    }
    return this.#covering(host, namespace);
  }

  /** The narrowest wildcard host that covers the name as it is written. */
  #covering(host: string, namespace: string): MeshHost | undefined {
    const name = host.startsWith('*') ? host.slice(1) : host;
    for (let start = 0; start <= name.length; start++) {
      const seen = this.#wildcards
        .get(name.slice(start))
        ?.find(({ scope }) => scope === EVERYWHERE || scope === namespace);
      if (seen) return seen.host;
    }
    return undefined;
  }
}

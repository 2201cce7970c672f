import { type KubeObject, serviceHostname } from '#domain';
import { compareText } from '../snapshot/config.ts';
import { namespaceOf } from './objects.ts';
import type { ServiceSpec, ServiceStatus } from './plain-types.ts';

/** What stands behind the Services of a Gateway. */
export interface GatewayInstances {
  /** `host:port` that have endpoints. */
  readonly internal: readonly string[];
  readonly internalIps: readonly string[];
  readonly external: readonly string[];
  /** Hosts of load balancers without an address yet. */
  readonly pending: readonly string[];
  readonly warnings: readonly string[];
  /** False: a requested address cannot serve. */
  readonly allUsable: boolean;
}

interface SliceShape extends KubeObject {
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
}

interface ServicePorts {
  /** Numbers of the service's ports that have ready endpoints, with the ports of those endpoints. */
  readonly served: ReadonlyMap<number, ReadonlySet<number>>;
  readonly numbers: readonly number[];
}

/** Looks at the Services of Gateways and at their endpoints. */
export interface InstanceLookup {
  resolve(gateway: {
    readonly namespace: string;
    readonly hosts: readonly string[];
    readonly ports: readonly number[];
  }): GatewayInstances;
}

/** `slices` are EndpointSlices. Source: ResolveGatewayInstances in istio pilot/pkg/config/kube/gatewaycommon. */
export function createInstanceLookup(services: readonly KubeObject[], slices: readonly KubeObject[]): InstanceLookup {
  const byHost = new Map(
    services.map((service) => [serviceHostname(service.metadata.name, namespaceOf(service)), service] as const),
  );
  const slicesOf = (service: KubeObject): readonly SliceShape[] =>
    slices.filter(
      ({ metadata }) =>
        (metadata.namespace ?? 'default') === namespaceOf(service) &&
        metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
    ) as readonly SliceShape[];
  return {
    resolve({ namespace, hosts, ports }) {
      const found = new Findings();
      for (const host of hosts) {
        const service = byHost.get(host);
        if (service === undefined) found.unusable(`hostname "${host}" not found`);
        else if (namespaceOf(service) !== namespace) {
          const where = `not found in namespace "${namespace}", but it was found in namespace(s) "${namespaceOf(service)}"`;
          found.unusable(`hostname "${host}" ${where}`);
        } else inspect(host, service, { ports: servicePorts(service, slicesOf(service)), wanted: ports, found });
      }
      return found.result();
    },
  };
}

class Findings {
  readonly internal = new Set<string>();
  readonly internalIps = new Set<string>();
  readonly external = new Set<string>();
  readonly pending = new Set<string>();
  readonly #warnings: string[] = [];
  #usable = true;

  warn(message: string): void {
    this.#warnings.push(message);
  }

  unusable(message: string): void {
    this.warn(message);
    this.#usable = false;
  }

  result(): GatewayInstances {
    const sorted = (set: ReadonlySet<string>): string[] => [...set].sort(compareText);
    return {
      internal: sorted(this.internal),
      internalIps: sorted(this.internalIps),
      external: sorted(this.external),
      pending: sorted(this.pending),
      warnings: this.#warnings.sort(compareText),
      allUsable: this.#usable,
    };
  }
}

interface Inspection {
  readonly ports: ServicePorts;
  readonly wanted: readonly number[];
  readonly found: Findings;
}

function inspect(host: string, service: KubeObject, { ports, wanted, found }: Inspection): void {
  for (const port of new Set(wanted)) {
    if (ports.served.has(port)) takeAddresses(host, port, service, found);
    else if (ports.served.size === 0) found.warn(`no instances found for hostname "${host}"`);
    else {
      const hints = [...ports.served].flatMap(([number, targets]) => (targets.has(port) ? [String(number)] : []));
      const managed = service.metadata.labels?.['gateway.istio.io/managed'] !== undefined;
      const missing = `port ${port} not found for hostname "${host}"`;
      if (hints.length > 0) {
        const meant = hints.sort(compareText).join(' ');
        const hint = 'the service port should be specified, not the workload port. Did you mean one of these ports';
        found.unusable(`${missing} (hint: ${hint}: [${meant}]?)`);
      } else if (!managed || !ports.numbers.includes(port)) found.unusable(missing);
    }
  }
}

function takeAddresses(host: string, port: number, service: KubeObject, found: Findings): void {
  const { clusterIP = '', clusterIPs = [], externalIPs = [], type } = (service.spec ?? {}) as ServiceSpec;
  const { loadBalancer } = (service.status ?? {}) as ServiceStatus;
  found.internal.add(`${host}:${port}`);
  for (const ip of [clusterIP, ...clusterIPs]) if (ip !== '' && ip !== 'None') found.internalIps.add(ip);
  const external = [
    ...externalIPs,
    ...(loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => [ip, hostname].filter((each) => !!each)),
  ];
  for (const address of external) if (address !== undefined) found.external.add(address);
  if (external.length === 0 && type === 'LoadBalancer' && !found.pending.has(host)) {
    found.warn(`address pending for hostname "${host}"`);
    found.pending.add(host);
  }
}

function servicePorts(service: KubeObject, slices: readonly SliceShape[]): ServicePorts {
  const { ports = [] } = (service.spec ?? {}) as ServiceSpec;
  const served = new Map<number, Set<number>>();
  for (const { name = '', port } of ports) {
    const targets = slices
      .filter(({ endpoints = [] }) => endpoints.some(({ conditions }) => conditions?.ready !== false))
      .flatMap((slice) => slice.ports ?? [])
      .filter((target) => (target.name ?? '') === name)
      .flatMap((target) => (target.port === undefined ? [] : [target.port]));
    if (targets.length > 0) served.set(port, new Set(targets));
  }
  return { served, numbers: ports.map(({ port }) => port) };
}

import { hostCovers, hostsOverlap, isWildcard, mostSpecific } from '../snapshot/hosts.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { parseProtocol } from '../snapshot/protocol.ts';
import { visibleServices } from '../snapshot/registry.ts';
import { usesGatewaySemantics } from '../snapshot/semantics.ts';
import type { Service } from '../snapshot/services.ts';
import type { EgressSpec } from '../snapshot/sidecars.ts';
import { MESH_GATEWAY, type VirtualService, virtualServicesFor } from '../snapshot/virtual-services.ts';

/** What one `egress` entry of a Sidecar lets in, or, without a Sidecar, everything that is exported to the namespace. */
export interface EgressListener {
  /** Undefined where no Sidecar has a word. */
  readonly spec: EgressSpec | undefined;
  /** Position in `spec.egress`. */
  readonly index: number;
  /** Only services with the listener's port, and of them only that port. */
  readonly matchPort: boolean;
  readonly services: readonly Service[];
  readonly virtualServices: readonly VirtualService[];
  /** The VirtualService whose hosts name a service most exactly. */
  ruleFor(hostname: string): VirtualService | undefined;
}

interface Imports {
  readonly exact: Set<string>;
  readonly all: string[];
  readonly excluded: string[];
}

/** The listeners of a Sidecar's `egress`, in order; one for everything where there is none. Source: sidecar.go in istio pilot. */
export function egressListeners(
  snapshot: MeshSnapshot,
  namespace: string,
  egress: readonly EgressSpec[] | undefined,
): readonly EgressListener[] {
  const services = visibleServices(snapshot.services, namespace, snapshot.mesh);
  const rules = virtualServicesFor(snapshot.virtualServices, MESH_GATEWAY, namespace, snapshot.mesh);
  if (egress === undefined || egress.length === 0) {
    const all = oneNamespaceEach(services, namespace);
    return [
      { spec: undefined, index: 0, matchPort: false, services: all, virtualServices: rules, ruleFor: ruleIndex(rules) },
    ];
  }
  return egress.map((spec, index) => {
    const imports = classify(spec.hosts ?? [], namespace);
    const matchPort = Boolean(spec.port?.number) && parseProtocol(spec.port?.protocol) !== 'http_proxy';
    const virtualServices = rules.filter((rule) => importsRule(imports, rule));
    const imported = services.flatMap((service) =>
      importService(imports, service, matchPort ? spec.port?.number : undefined),
    );
    return {
      spec,
      index,
      matchPort,
      services: oneNamespaceEach(imported, namespace),
      virtualServices,
      ruleFor: ruleIndex(virtualServices),
    };
  });
}

/** `namespace/host` entries by namespace; `~namespace/host` takes away. */
function classify(hosts: readonly string[], own: string): ReadonlyMap<string, Imports> {
  const byNamespace = new Map<string, Imports>();
  for (const entry of hosts) {
    const [given = '', host, more] = entry.split('/');
    if (host === undefined || more !== undefined) continue;
    const isExclusion = given.startsWith('~');
    const bare = isExclusion ? given.slice(1) || '*' : given;
    const namespace = bare === '.' ? own : bare;
    const imports = byNamespace.get(namespace) ?? { exact: new Set(), all: [], excluded: [] };
    byNamespace.set(namespace, imports);
    if (isExclusion) imports.excluded.push(host);
    else {
      if (!isWildcard(host)) imports.exact.add(host);
      imports.all.push(host);
    }
  }
  return byNamespace;
}

const isExcluded = (imports: ReadonlyMap<string, Imports>, namespace: string, host: string): boolean =>
  [namespace, '*'].some((key) => imports.get(key)?.excluded.some((pattern) => hostCovers(pattern, host)));

function importsRule(imports: ReadonlyMap<string, Imports>, { config, hosts }: VirtualService): boolean {
  const literal = usesGatewaySemantics(config);
  const fits = ({ exact, all }: Imports, host: string): boolean =>
    exact.has(host) ||
    all.some((pattern) => {
      if (!isWildcard(host) && !isWildcard(pattern)) return false;
      return literal ? hostCovers(pattern, host) : hostsOverlap(pattern, host);
    });
  return [config.namespace, '*'].some((key) => {
    const own = imports.get(key);
    return own && hosts.some((host) => fits(own, host) && !isExcluded(imports, config.namespace, host));
  });
}

function importService(imports: ReadonlyMap<string, Imports>, service: Service, port: number | undefined): Service[] {
  const { hostname, namespace } = service;
  if (isExcluded(imports, namespace, hostname)) return [];
  for (const key of [namespace, '*']) {
    const own = imports.get(key);
    const covers = (host: string): boolean =>
      own !== undefined &&
      (own.exact.has(host) || own.all.some((pattern) => isWildcard(pattern) && hostCovers(pattern, host)));
    if (own === undefined || !covers(hostname)) continue;
    const trimmed = port === undefined ? service : atPort(service, port);
    if (trimmed === undefined) continue;
    const aliases = trimmed.aliases.filter(covers);
    return [aliases.length === trimmed.aliases.length ? trimmed : { ...trimmed, aliases }];
  }
  return [];
}

/** A service with that port alone. */
function atPort(service: Service, port: number): Service | undefined {
  const own = service.ports.filter((each) => each.port === port);
  if (own.length === 0) return undefined;
  return service.ports.length === 1 ? service : { ...service, ports: own.slice(0, 1) };
}

/**
 * A host that several namespaces have stands for one of them: the client's own, else the first, a Kubernetes Service before a
 * ServiceEntry.
 */
function oneNamespaceEach(services: readonly Service[], own: string): readonly Service[] {
  const chosen = new Map<string, Service>();
  let isAmbiguous = false;
  for (const service of services) {
    const held = chosen.get(service.hostname);
    if (held === undefined) {
      chosen.set(service.hostname, service);
      continue;
    }
    if (held.namespace !== service.namespace) isAmbiguous = true;
    const isBetter =
      service.namespace === own ||
      (held.registry !== 'Kubernetes' && service.registry === 'Kubernetes' && held.namespace !== own);
    if (isBetter) chosen.set(service.hostname, service);
  }
  if (!isAmbiguous) return services;
  return services.filter(({ hostname, namespace }) => chosen.get(hostname)?.namespace === namespace);
}

/** The rules by host, of several for one host the first. */
function ruleIndex(rules: readonly VirtualService[]): EgressListener['ruleFor'] {
  const byHost = new Map<string, VirtualService>();
  const wildcards = new Map<string, VirtualService>();
  for (const rule of rules) {
    for (const host of rule.hosts) {
      const table = isWildcard(host) ? wildcards : byHost;
      if (!table.has(host)) table.set(host, rule);
    }
  }
  return (hostname) => byHost.get(hostname) ?? mostSpecific(hostname, wildcards);
}

import { sameSet } from '../snapshot/hosts.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { isServiceVisible } from '../snapshot/registry.ts';
import type { Service } from '../snapshot/services.ts';
import type { VirtualService } from '../snapshot/virtual-services.ts';
import type { EgressListener } from './egress-scope.ts';

/**
 * All services for which a proxy has clusters: those its listeners let in, and those that visible rules send to.
 * Source: collectImportedServices in istio pilot.
 */
export function importedServices(
  snapshot: MeshSnapshot,
  namespace: string,
  listeners: readonly EgressListener[],
): readonly Service[] {
  const held = new Map<string, Service>();
  for (const listener of listeners) {
    for (const service of listener.services) append(held, service);
    for (const rule of listener.virtualServices) {
      for (const [host, ports] of destinationsOf(rule, namespace)) {
        const found = pick(snapshot, host, namespace);
        const trimmed = found && trim(found, listener, ports);
        if (trimmed !== undefined) append(held, trimmed);
      }
    }
  }
  return [...held.values()];
}

/** For gateways, which obey no Sidecar: everything exported to their namespace. */
export function exportedServices(services: readonly Service[]): readonly Service[] {
  const held = new Map<string, Service>();
  for (const service of services) append(held, service);
  return [...held.values()];
}

/** The namespace's own service of that name, else a Kubernetes Service, else the oldest that is visible. */
function pick(snapshot: MeshSnapshot, host: string, namespace: string): Service | undefined {
  const byNamespace = snapshot.services.byHost.get(host);
  const own = byNamespace?.get(namespace);
  if (byNamespace === undefined || own !== undefined) return own;
  const visible = [...byNamespace.values()].filter((service) => isServiceVisible(service, namespace, snapshot.mesh));
  return visible.find(({ registry }) => registry === 'Kubernetes') ?? visible[0];
}

function trim(service: Service, { matchPort, spec }: EgressListener, ports: ReadonlySet<number>): Service | undefined {
  if (matchPort) {
    const own = service.ports.filter(({ port }) => port === spec?.port?.number);
    if (own.length === 0) return undefined;
    return service.ports.length === 1 ? service : { ...service, ports: own.slice(0, 1) };
  }
  if (ports.has(0)) return service;
  const used = service.ports.filter(({ port }) => ports.has(port));
  if (used.length === 0) return undefined;
  return used.length === service.ports.length ? service : { ...service, ports: used };
}

/** Hosts and ports that a rule sends to; port 0 stands for any. HTTP rules for clients of other namespaces only do not count. */
export function destinationsOf(
  { http, tls, tcp }: VirtualService,
  clientNamespace: string | undefined,
): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>();
  const add = (
    destination: { readonly host: string; readonly port?: { readonly number?: number } } | undefined,
  ): void => {
    if (destination === undefined) return;
    const ports = found.get(destination.host) ?? new Set();
    found.set(destination.host, ports.add(destination.port?.number ?? 0));
  };
  for (const { spec } of http) {
    const sources = (spec.match ?? []).map(({ sourceNamespace }) => sourceNamespace).filter(Boolean);
    if (clientNamespace !== undefined && sources.length > 0 && !sources.includes(clientNamespace)) continue;
    for (const { destination } of spec.route ?? []) add(destination);
    add(spec.mirror);
    for (const { destination } of spec.mirrors ?? []) add(destination);
  }
  for (const { spec } of [...tcp, ...tls]) for (const { destination } of spec.route ?? []) add(destination);
  return found;
}

/** Adds a service, or joins its ports to those of the same service that are there already. */
function append(held: Map<string, Service>, service: Service): void {
  const existing = held.get(service.hostname);
  if (existing === undefined) {
    held.set(service.hostname, service);
    return;
  }
  if (existing === service || (existing.registry === 'Kubernetes' && service.registry !== 'Kubernetes')) return;
  if (existing.registry !== 'Kubernetes' && service.registry === 'Kubernetes') {
    held.set(service.hostname, service);
    return;
  }
  if (!isSamePlace(existing, service)) return;
  const added = service.ports.filter(({ port }) => !existing.ports.some((each) => each.port === port));
  if (added.length > 0) held.set(service.hostname, { ...existing, ports: [...existing.ports, ...added] });
}

const isSamePlace = (a: Service, b: Service): boolean =>
  a.namespace === b.namespace &&
  a.resolution === b.resolution &&
  sameRecord(a.labels, b.labels) &&
  sameRecord(a.selector, b.selector) &&
  sameSet(new Set(a.exportTo), new Set(b.exportTo));

const sameRecord = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);

import type { KubeObject } from '#domain';
import type { MeshConfig } from '../doors.ts';
import { compareText } from './config.ts';
import { resolveAliases } from './service-aliases.ts';
import { type ServiceEntry, servicesOfEntry } from './service-entries.ts';
import { type Service, toService } from './services.ts';

/** All services: of Kubernetes and of ServiceEntries. */
export interface ServiceRegistry {
  /** The oldest first, then by name and namespace. */
  readonly all: readonly Service[];
  /** By host, then by namespace; a Kubernetes Service wins over a ServiceEntry, the older over the newer. */
  readonly byHost: ReadonlyMap<string, ReadonlyMap<string, Service>>;
}

/** Source: initServiceRegistry and SortServicesByCreationTime in istio pilot. */
export function deriveRegistry(
  objects: readonly KubeObject[],
  entries: readonly ServiceEntry[],
  namespaces: readonly KubeObject[],
  trustDomain: string,
): ServiceRegistry {
  const annotations = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.annotations]));
  const services = [
    ...objects.map((object) => toService(object, trustDomain, annotations.get(object.metadata.namespace ?? 'default'))),
    ...entries.flatMap((entry) => servicesOfEntry(entry, annotations.get(entry.namespace))),
  ].sort((a, b) => a.createdMs - b.createdMs || compareText(a.name, b.name) || compareText(a.namespace, b.namespace));
  const all = resolveAliases(services);
  const byHost = new Map<string, Map<string, Service>>();
  for (const service of all) {
    const held = byHost.get(service.hostname) ?? new Map<string, Service>();
    byHost.set(service.hostname, held);
    const existing = held.get(service.namespace);
    if (existing === undefined || (existing.registry !== 'Kubernetes' && service.registry === 'Kubernetes')) {
      held.set(service.namespace, service);
    }
  }
  return { all, byHost };
}

/** Where a service may be seen: its own list, else the mesh's default, else everywhere. */
export function isServiceVisible(service: Service, viewer: string, mesh: MeshConfig): boolean {
  const exportTo = service.exportTo ?? mesh.defaultServiceExportTo ?? ['*'];
  if (exportTo.includes('*')) return true;
  if (exportTo.includes('~')) return false;
  return exportTo.some((entry) => entry === viewer || (entry === '.' && service.namespace === viewer));
}

/** The services of a namespace's view: those exported to it by name come before the public ones. */
export function visibleServices({ all }: ServiceRegistry, viewer: string, mesh: MeshConfig): readonly Service[] {
  const isPublic = ({ exportTo }: Service): boolean => (exportTo ?? mesh.defaultServiceExportTo ?? ['*']).includes('*');
  const seen = all.filter((service) => isServiceVisible(service, viewer, mesh));
  return [...seen.filter((service) => !isPublic(service)), ...seen.filter(isPublic)];
}

import { serviceHostname } from '#domain';
import type { ObjectIndex } from './objects.ts';
import type { RouteParent } from './parents.ts';
import type { ServiceEntrySpec } from './plain-types.ts';
import { SERVICE_ENTRY } from './references.ts';

/** The hosts that a Service or ServiceEntry stands for, as parent of a route of the mesh. */
export function meshHosts({ kind, name, namespace }: RouteParent, { serviceEntries }: ObjectIndex): readonly string[] {
  if (kind !== SERVICE_ENTRY) return [serviceHostname(name, namespace)];
  const entry = serviceEntries.get(`${namespace}/${name}`);
  return (entry?.spec as ServiceEntrySpec | undefined)?.hosts ?? [];
}

/** The one port of the parent that the route is for; undefined: all. */
export const parentPort = ({ reference }: RouteParent): number | undefined => reference.port;

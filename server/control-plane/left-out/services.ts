import { fieldOf } from '../snapshot/config.ts';
import { isServiceVisible } from '../snapshot/registry.ts';
import type { Service } from '../snapshot/services.ts';
import { type Inquiry, type LeftOut, placeOf } from './question.ts';

/** The service that a request means, where its proxy was sent nothing of it. */
export function serviceLeftOut({ snapshot, scope, host }: Inquiry): LeftOut[] {
  const named = [...(snapshot.services.byHost.get(host)?.values() ?? [])];
  if (scope.services.some(({ hostname }) => hostname === host)) return [];
  return named.flatMap((service): LeftOut[] => {
    const { kind, namespace, name } = service.origin;
    const told = { name: `${kind} ${namespace}/${name}` };
    if (!isServiceVisible(service, scope.namespace, snapshot.mesh)) {
      const exportTo = (service.exportTo ?? snapshot.mesh.defaultServiceExportTo ?? []).join(', ');
      const reason = `is exported to ${exportTo}; this proxy is in ${scope.namespace}`;
      return [{ ...told, reason, origin: placeOf({ ...service.origin, path: exportPath(service) }) }];
    }
    const { sidecar } = scope;
    if (sidecar === undefined) return [];
    const imported = (sidecar.spec.egress ?? []).flatMap(({ hosts = [] }) => hosts).join(', ');
    const reason = `is not imported by Sidecar ${sidecar.namespace}/${sidecar.name}, which lets in ${imported}`;
    return [{ ...told, reason, origin: placeOf(fieldOf(sidecar, 'spec.egress')) }];
  });
}

const exportPath = ({ registry }: Service): string =>
  registry === 'Kubernetes' ? 'metadata.annotations' : 'spec.exportTo';

import { fieldOf } from '../snapshot/config.ts';
import type { Service } from '../snapshot/services.ts';
import { firstLabel, type Inquiry, type LeftOut, placeOf } from './question.ts';

const UNKNOWN_CLUSTERS: ReadonlySet<string> = new Set(['PassthroughCluster', 'BlackHoleCluster']);

/** Whether a sidecar knew no service for what its application asked for. */
export const wentUnknown = (cluster: string, virtualHost: string): boolean =>
  UNKNOWN_CLUSTERS.has(cluster) || /^(?:allow_any|block_all)$/.test(virtualHost);

/** Why what a client asked for is no service to its proxy, and who says what becomes of it. */
export function unknownDestination(inquiry: Inquiry): LeftOut[] {
  return [...policyOfUnknown(inquiry), ...servicesLike(inquiry)];
}

/** Who lets nobody out, or sends everybody through a proxy for what is not known. */
function policyOfUnknown({ scope, snapshot }: Inquiry): LeftOut[] {
  const { sidecar } = scope;
  if (scope.outboundPolicy.mode !== 'REGISTRY_ONLY') return [];
  const what = 'is REGISTRY_ONLY: what is no service of the mesh is let out to nobody';
  if (sidecar?.spec.outboundTrafficPolicy !== undefined) {
    const name = `outboundTrafficPolicy of Sidecar ${sidecar.namespace}/${sidecar.name}`;
    return [{ name, reason: what, origin: placeOf(fieldOf(sidecar, 'spec.outboundTrafficPolicy')) }];
  }
  const origin = { kind: 'ConfigMap', namespace: snapshot.mesh.rootNamespace, name: 'istio', path: 'data.mesh' };
  return [{ name: 'outboundTrafficPolicy of the mesh', reason: what, origin }];
}

/** A service of this host on other ports, else one that begins alike. */
function servicesLike({ scope, host, port, connection }: Inquiry): LeftOut[] {
  const exact = scope.services.filter(({ hostname }) => hostname === host);
  if (exact.length > 0) return exact.flatMap((service) => onOtherPorts(service, port));
  const label = firstLabel(host);
  const alike = scope.services.filter(
    ({ hostname }) => !/^\d+$/.test(label) && firstLabel(hostname) === label && !hostname.startsWith('*'),
  );
  const asked =
    connection.isRaw && connection.serverName === '' ? `the connection went to ${host}` : `it asks for ${host}`;
  return alike.map((service) => ({
    name: objectOf(service),
    reason: `is ${service.hostname}, ${asked}`,
    origin: placeOf({ ...service.origin, path: service.registry === 'Kubernetes' ? 'metadata.name' : 'spec.hosts' }),
  }));
}

const objectOf = ({ origin: { kind, namespace, name } }: Service): string => `${kind} ${namespace}/${name}`;

function onOtherPorts(service: Service, port: number): LeftOut[] {
  if (service.ports.some((each) => each.port === port)) return [];
  const own = service.ports.map((each) => each.port).join(', ');
  return [
    {
      name: objectOf(service),
      reason: `has no port ${port}; it has ${own === '' ? 'none' : own}`,
      origin: placeOf({ ...service.origin, path: 'spec.ports' }),
    },
  ];
}

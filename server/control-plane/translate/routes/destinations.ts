import { clusterName } from '#domain';
import type { Destination } from '../../snapshot/istio-types.ts';
import type { Service } from '../../snapshot/services.ts';

/** As far as a destination's cluster depends on its service. */
export type DestinationService = Pick<Service, 'ports' | 'externalName' | 'labels'>;

/**
 * The cluster a destination means. Without a port it is the only port of its service, else the port of the listener; another name of a
 * host means that host. Whether that cluster exists is not asked: a route to one that does not answers 503 with flag NC.
 * Source: GetDestinationCluster in istio pilot.
 */
export function destinationCluster(
  destination: Destination,
  service: DestinationService | undefined,
  listenPort: number,
): string {
  if (!destination.host) return 'UnknownService';
  const host = service?.externalName || destination.host;
  return clusterName('outbound', destinationPort(destination, service, listenPort), destination.subset ?? '', host);
}

export function destinationPort(
  destination: Destination,
  service: Pick<Service, 'ports'> | undefined,
  listenPort: number,
): number {
  if (destination.port !== undefined) return destination.port.number ?? 0;
  const only = service?.ports.length === 1 ? service.ports[0]?.port : undefined;
  return only ?? listenPort;
}

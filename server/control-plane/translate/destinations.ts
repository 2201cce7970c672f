import { clusterName } from '#domain';
import type { Destination } from '../snapshot/istio-types.ts';
import type { Service } from '../snapshot/services.ts';

/**
 * The cluster a destination means. Without a port it is the only port of its service, else the port of the listener. Whether that
 * cluster exists is not asked: a route to one that does not answers 503 with flag NC.
 */
export function destinationCluster(
  destination: Destination,
  service: Pick<Service, 'ports'> | undefined,
  listenPort: number,
): string {
  return clusterName(
    'outbound',
    destinationPort(destination, service, listenPort),
    destination.subset ?? '',
    destination.host,
  );
}

export function destinationPort(
  destination: Destination,
  service: Pick<Service, 'ports'> | undefined,
  listenPort: number,
): number {
  const only = service?.ports.length === 1 ? service.ports[0]?.port : undefined;
  return destination.port?.number ?? only ?? listenPort;
}

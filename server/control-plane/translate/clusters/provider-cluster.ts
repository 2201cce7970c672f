import { clusterName } from '#domain';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';

/** The service behind an extension provider. */
export interface ProviderCluster {
  readonly hostname: string;
  readonly cluster: string;
}

/** Finds the cluster of a provider's `service` (`host` or `namespace/host`); the text says why there is none. */
export function providerCluster(
  { services }: Pick<MeshSnapshot, 'services'>,
  service: string,
  port: number,
): ProviderCluster | string {
  if (service === '') return 'service must not be empty';
  const parts = service.split('/');
  const [namespace, host] = parts.length === 2 ? [parts[0], parts[1] ?? ''] : [undefined, service];
  const found = services.all.filter(
    ({ hostname, namespace: owner }) => hostname === host && (namespace === undefined || owner === namespace),
  );
  const [only] = found;
  if (only === undefined) return `could not find service ${service} in Istio service registry`;
  if (found.length > 1) {
    return `found ${service} in several namespaces: write it as <namespace>/<host>`;
  }
  return { hostname: only.hostname, cluster: clusterName('outbound', port, '', only.hostname) };
}

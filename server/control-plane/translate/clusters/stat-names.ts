import type { Service, ServicePort } from '../../snapshot/services.ts';

export interface StatNameParts {
  readonly service: Pick<Service, 'registry' | 'name' | 'namespace' | 'hostname'>;
  readonly subset: string;
  readonly port: Pick<ServicePort, 'port' | 'name'>;
  /** Left out: the pattern's `%TARGET_PORT%` stays as it is, as istiod leaves it for inbound chains. */
  readonly targetPort?: number;
}

/** Fills a pattern of MeshConfig (`%SERVICE%_%SERVICE_PORT%`). Source: BuildStatPrefix in istio pilot. */
export function fillPattern(pattern: string, { service, subset, port, targetPort }: StatNameParts): string {
  const isKubernetes = service.registry === 'Kubernetes';
  const filled = targetPort === undefined ? pattern : pattern.replaceAll('%TARGET_PORT%', String(targetPort));
  return filled
    .replaceAll('%SERVICE%', isKubernetes ? `${service.name}.${service.namespace}` : service.hostname)
    .replaceAll('%SERVICE_NAME%', isKubernetes ? service.name : service.hostname)
    .replaceAll('%SERVICE_FQDN%', service.hostname)
    .replaceAll('%SUBSET_NAME%', subset)
    .replaceAll('%SERVICE_PORT%', String(port.port))
    .replaceAll('%SERVICE_PORT_NAME%', port.name);
}

/** `outbound_.9080_.v1_.reviews.default.svc.cluster.local`: a cluster's name as a server name that TLS may carry. */
export const dnsSrvName = (port: number, subset: string, host: string): string =>
  `outbound_.${port}_.${subset}_.${host}`;

import type { Service, ServicePort } from '../snapshot/services.ts';

export interface StatNameParts {
  readonly service: Pick<Service, 'registry' | 'name' | 'namespace' | 'hostname'>;
  readonly subset: string;
  readonly port: Pick<ServicePort, 'port' | 'name'>;
  readonly targetPort: number;
}

/** Fills a pattern of MeshConfig (`%SERVICE%_%SERVICE_PORT%`). Source: BuildStatPrefix in istio pilot. */
export function fillPattern(pattern: string, { service, subset, port, targetPort }: StatNameParts): string {
  const isKubernetes = service.registry === 'Kubernetes';
  return pattern
    .replaceAll('%SERVICE%', isKubernetes ? `${service.name}.${service.namespace}` : service.hostname)
    .replaceAll('%SERVICE_NAME%', isKubernetes ? service.name : service.hostname)
    .replaceAll('%SERVICE_FQDN%', service.hostname)
    .replaceAll('%SUBSET_NAME%', subset)
    .replaceAll('%TARGET_PORT%', String(targetPort))
    .replaceAll('%SERVICE_PORT%', String(port.port))
    .replaceAll('%SERVICE_PORT_NAME%', port.name);
}

/** `outbound_.9080_.v1_.reviews.default.svc.cluster.local`: a cluster's name as a server name that TLS may carry. */
export const dnsSrvName = (port: number, subset: string, host: string): string =>
  `outbound_.${port}_.${subset}_.${host}`;

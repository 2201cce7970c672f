import type { PodObject } from '../kube-types.ts';

/** Where a sidecar's own servers listen. */
export const PROXY_OWN_PORTS: ReadonlySet<number> = new Set([15001, 15006, 15008, 15020, 15021, 15090]);

/** The TCP ports that a pod's containers declare, its proxy's own left out: those that capture redirects. */
export const declaredPorts = (pod: PodObject): number[] =>
  pod.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .filter(({ containerPort, protocol }) => protocol !== 'UDP' && !PROXY_OWN_PORTS.has(containerPort))
    .map(({ containerPort }) => containerPort);

import type { PodObject } from '../kube-types.ts';

const PROXY_OWN_PORTS = new Set([15001, 15006, 15008, 15020, 15021, 15090]);

/** The TCP ports that a pod's containers declare, its proxy's own left out: those that capture redirects. */
export const declaredPorts = (pod: PodObject): number[] =>
  pod.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .filter(({ containerPort, protocol }) => protocol !== 'UDP' && !PROXY_OWN_PORTS.has(containerPort))
    .map(({ containerPort }) => containerPort);

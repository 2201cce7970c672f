/** A namespaced object's address. Cluster-scoped objects have the empty namespace. */
export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** Group, version and kind; the core group is the empty string. */
export interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface SocketAddress {
  readonly ip: string;
  readonly port: number;
}

export const formatAddress = (address: SocketAddress): string => `${address.ip}:${address.port}`;

/** `networking.istio.io/v1` → group and version; `v1` → the core group. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export type TrafficDirection = 'inbound' | 'outbound';

/** Istio's cluster name: `outbound|9080|v1|reviews.default.svc.cluster.local`, `inbound|9080||`. */
export function clusterName(direction: TrafficDirection, port: number, subset: string, host: string): string {
  return `${direction}|${port}|${subset}|${host}`;
}

export interface ClusterNameParts {
  readonly direction: TrafficDirection;
  readonly port: number;
  readonly subset: string;
  readonly host: string;
}

/** The parts of an Istio cluster name, or undefined for others (`PassthroughCluster`, `BlackHoleCluster`, `agent`). */
export function parseClusterName(name: string): ClusterNameParts | undefined {
  const [direction, port, subset, host] = name.split('|');
  if ((direction !== 'inbound' && direction !== 'outbound') || port === undefined) return undefined;
  return { direction, port: Number(port), subset: subset ?? '', host: host ?? '' };
}

/** `reviews`, `default` → `reviews.default.svc.cluster.local`. */
export function serviceHostname(name: string, namespace: string, domain = 'cluster.local'): string {
  return `${name}.${namespace}.svc.${domain}`;
}

/** `spiffe://cluster.local/ns/default/sa/reviews` */
export function spiffeId(trustDomain: string, namespace: string, serviceAccount: string): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

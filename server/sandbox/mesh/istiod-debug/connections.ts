import type { ControlPlane } from '#control-plane';
import type { AdsConnection, ProxyNode } from '#xds';

/** A stream to istiod under the names that its pages use. */
export interface DebugConnection extends AdsConnection {
  /** `cart-1.default-7`: the proxy and the number of its stream. */
  readonly id: string;
}

/** `sidecar~127.8.1.3~cart-1.default~default.svc.cluster.local` → `cart-1.default`. */
export const proxyName = (nodeId: string): string => nodeId.split('~')[2] ?? nodeId;

export const proxyType = (nodeId: string): string => nodeId.split('~')[0] ?? 'sidecar';

/** Text of the node's metadata, or what stands for it. */
export const metadataText = (node: ProxyNode, name: string, otherwise: string): string =>
  String(node.metadata?.[name] ?? otherwise);

/** Whether a proxy is of this namespace; an empty one stands for all. */
export const isVisible = (node: ProxyNode, namespace: string): boolean =>
  namespace === '' || metadataText(node, 'NAMESPACE', '') === namespace;

/** By id, as istiod lists them. */
export const debugConnections = (controlPlane: ControlPlane): DebugConnection[] =>
  controlPlane.ads
    .connections()
    .map((connection) => ({ ...connection, id: `${proxyName(connection.node.id)}-${connection.number}` }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

/** The first whose id has this text in it. */
export const findConnection = (connections: readonly DebugConnection[], text: string): DebugConnection | undefined =>
  connections.find(({ id }) => id.includes(text));

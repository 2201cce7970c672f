import { type LeftOut, type MeshSnapshot, rulesLeftOut } from '#control-plane';
import type { HopRecord } from '#domain';
import type { ProxyNode } from '#xds';

/**
 * The rules that never reached the proxy of a hop and that somebody may have meant for its request. Rules of routes stand at the caller
 * and at gateways: a hop into an application has none.
 */
export function leftOutOfHop(hop: HopRecord, node: ProxyNode, snapshot: MeshSnapshot): readonly LeftOut[] {
  if (hop.direction === 'inbound' && hop.proxy.role === 'sidecar') return [];
  const virtualHost = hop.steps.find(({ stage, outcome }) => stage === 'virtual_host' && outcome !== 'stopped');
  const { authority } = hop.request;
  return rulesLeftOut(snapshot, { node, authority, virtualHost: virtualHost?.name ?? '', cluster: hop.cluster });
}

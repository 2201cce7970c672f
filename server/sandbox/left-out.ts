import { type AskedConnection, type LeftOut, type MeshSnapshot, policiesLeftOut, rulesLeftOut } from '#control-plane';
import type { HopRecord } from '#domain';
import type { ProxyNode } from '#xds';

/**
 * The rules that had no part in a hop and that somebody may have meant for it. Rules of routes stand at the caller and at gateways,
 * policies at gateways and where a request arrives.
 */
export function leftOutOfHop(hop: HopRecord, node: ProxyNode, snapshot: MeshSnapshot): readonly LeftOut[] {
  const connection = connectionOf(hop);
  const isCaller = hop.direction === 'outbound' && hop.proxy.role === 'sidecar';
  const policies = isCaller ? [] : policiesLeftOut(snapshot, { node, connection });
  if (hop.direction === 'inbound' && hop.proxy.role === 'sidecar') return policies;
  const virtualHost = hop.steps.find(({ stage, outcome }) => stage === 'virtual_host' && outcome !== 'stopped');
  const rules = rulesLeftOut(snapshot, {
    node,
    authority: hop.request.authority,
    virtualHost: virtualHost?.name ?? '',
    cluster: hop.cluster,
    connection,
  });
  return [...rules, ...policies];
}

/** What the proxy noted of the connection when it chose who takes it. */
function connectionOf({ request, steps }: HopRecord): AskedConnection {
  const noted = steps.find(
    ({ stage, evidence }) => stage === 'filter_chain' && evidence?.['destination'] !== undefined,
  );
  const text = (name: string): string => String(noted?.evidence?.[name] ?? '');
  return {
    destination: text('destination'),
    serverName: text('serverName'),
    isTls: text('transport') === 'tls',
    isRaw: request.protocol === 'TCP',
  };
}

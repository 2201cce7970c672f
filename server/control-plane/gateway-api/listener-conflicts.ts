import type { KubeObject } from '#domain';
import { compareByAge, objectKey } from './objects.ts';
import { GATEWAY, type GroupKind, LISTENER_SET } from './references.ts';
import type { GatewayApiGatewaySpec, Listener, ListenerSetSpec } from './types.ts';

export type ConflictReason = 'HostnameConflict' | 'ProtocolConflict';

/** The listeners that lost against one before them. */
export interface ListenerConflicts {
  reasonFor(owner: KubeObject, listener: string): ConflictReason | undefined;
}

/**
 * Of two listeners on one port that cannot be told apart the first stands: the Gateway's own come first, then those of its ListenerSets,
 * the oldest set first. `sets` are those that the Gateway lets in. Source: gatewaycommon/listener_conflict.go in istio pilot.
 */
export function findConflicts(gateway: KubeObject, sets: readonly KubeObject[]): ListenerConflicts {
  const own = ((gateway.spec as GatewayApiGatewaySpec).listeners ?? []).map((listener) => ({
    key: listenerKey(GATEWAY, gateway, listener.name),
    listener,
  }));
  const attached = [...sets].sort(compareByAge).flatMap((set) =>
    ((set.spec as ListenerSetSpec).listeners ?? []).map((listener) => ({
      key: listenerKey(LISTENER_SET, set, listener.name),
      listener: { ...listener, port: entryPort(listener) ?? 0 },
    })),
  );
  const accepted: Listener[] = [];
  const conflicts = new Map<string, ConflictReason>();
  for (const { key, listener } of [...own, ...attached]) {
    const prior = accepted.find((other) => !areDistinct(listener, other));
    if (prior === undefined) accepted.push(listener);
    else conflicts.set(key, conflictReason(listener, prior));
  }
  return {
    reasonFor: (owner, listener) =>
      conflicts.get(listenerKey(owner.kind === 'ListenerSet' ? LISTENER_SET : GATEWAY, owner, listener)),
  };
}

const listenerKey = (kind: GroupKind, owner: KubeObject, listener: string): string =>
  `${kind} ${objectKey(owner)} ${listener}`;

/** The port of a ListenerSet's listener: its own, else the usual one of its protocol. */
export function entryPort({ port, protocol }: Listener): number | undefined {
  if (port) return port;
  return protocol === 'HTTP' ? 80 : protocol === 'HTTPS' ? 443 : undefined;
}

const isL4 = (protocol: string): boolean => protocol === 'TCP' || protocol === 'UDP';
const hasHostnames = (protocol: string): boolean => ['HTTP', 'HTTPS', 'TLS'].includes(protocol);

function areDistinct(a: Listener, b: Listener): boolean {
  if (a.port !== b.port) return true;
  if (hasHostnames(a.protocol) && hasHostnames(b.protocol)) return (a.hostname || '*') !== (b.hostname || '*');
  const bothKnown = [a, b].every(({ protocol }) => isL4(protocol) || hasHostnames(protocol));
  return bothKnown ? false : a.protocol !== b.protocol;
}

const conflictReason = (a: Listener, b: Listener): ConflictReason =>
  a.protocol !== b.protocol || isL4(a.protocol) ? 'ProtocolConflict' : 'HostnameConflict';

import { type ProxyNode, type PushEvent, type TypeUrl, typeUrls } from '#xds';
import type { ProxySyncStatus } from '../doors.ts';

/** Short type names, as istioctl's columns have them. */
const shortTypes = {
  [typeUrls.cluster]: 'CDS',
  [typeUrls.listener]: 'LDS',
  [typeUrls.endpoint]: 'EDS',
  [typeUrls.route]: 'RDS',
  [typeUrls.secret]: 'SDS',
  [typeUrls.extension]: 'ECDS',
} as const satisfies Record<TypeUrl, string>;

export const shortType = (typeUrl: TypeUrl): string => shortTypes[typeUrl];

const columns = ['CDS', 'LDS', 'EDS', 'RDS'] as const;
/** Told of proxies that asked for them. */
const rarer = ['SDS', 'ECDS'] as const;

type SyncState = ProxySyncStatus['types'][string];

/** Keeps, per proxy and type, whether the last response was accepted: what `istioctl proxy-status` prints. */
export interface SyncTable {
  note(event: PushEvent): void;
  forget(nodeId: string): void;
  rows(nodes: readonly ProxyNode[]): readonly ProxySyncStatus[];
}

const afterAnswer: Record<PushEvent['state'], SyncState> = { sent: 'STALE', acked: 'SYNCED', nacked: 'ERROR' };

export function createSyncTable(): SyncTable {
  const latest = new Map<string, Map<string, { readonly nonce: string; readonly state: SyncState }>>();
  return {
    note({ nodeId, typeUrl, nonce, state }) {
      const types = latest.get(nodeId) ?? new Map();
      latest.set(nodeId, types);
      const short = shortType(typeUrl);
      // The answer to an earlier response says nothing about the latest.
      if (state !== 'sent' && types.get(short)?.nonce !== nonce) return;
      types.set(short, { nonce, state: afterAnswer[state] });
    },
    forget: (nodeId) => void latest.delete(nodeId),
    rows: (nodes) =>
      nodes.map((node) => {
        const states = latest.get(node.id);
        const shown = [...columns, ...rarer.filter((short) => states?.has(short))];
        const types = shown.map((short) => [short, states?.get(short)?.state ?? 'NOT SENT'] as const);
        return { node, types: Object.fromEntries(types) };
      }),
  };
}

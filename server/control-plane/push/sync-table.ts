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
  [typeUrls.nameTable]: 'NDS',
} as const satisfies Record<TypeUrl, string>;

export const shortType = (typeUrl: TypeUrl): string => shortTypes[typeUrl];

const columns = ['CDS', 'LDS', 'EDS', 'RDS'] as const;
/** Told of proxies that asked for them. */
const rarer = ['SDS', 'ECDS'] as const;

type SyncState = ProxySyncStatus['types'][string];
type Answered = ProxySyncStatus['responses'][string];

interface Latest {
  readonly state: SyncState;
  readonly answered: Answered;
}

/** Keeps, per proxy and type, whether the last response was accepted: what `istioctl proxy-status` prints. */
export interface SyncTable {
  note(event: PushEvent): void;
  forget(nodeId: string): void;
  rows(nodes: readonly ProxyNode[]): readonly ProxySyncStatus[];
}

const afterAnswer: Record<PushEvent['state'], SyncState> = { sent: 'STALE', acked: 'SYNCED', nacked: 'ERROR' };

export function createSyncTable(): SyncTable {
  const latest = new Map<string, Map<TypeUrl, Latest>>();
  return {
    note({ nodeId, typeUrl, nonce, state, atMs, error }) {
      const types = latest.get(nodeId) ?? new Map<TypeUrl, Latest>();
      latest.set(nodeId, types);
      const before = types.get(typeUrl)?.answered;
      // The answer to an earlier response says nothing about the latest.
      if (state !== 'sent' && before?.sentNonce !== nonce) return;
      types.set(typeUrl, {
        state: afterAnswer[state],
        answered: {
          sentNonce: nonce,
          sentAtMs: state === 'sent' ? atMs : (before?.sentAtMs ?? atMs),
          ackedNonce: state === 'acked' ? nonce : (before?.ackedNonce ?? ''),
          lastError: state === 'sent' ? (before?.lastError ?? '') : (error ?? ''),
        },
      });
    },
    forget: (nodeId) => void latest.delete(nodeId),
    rows: (nodes) =>
      nodes.map((node) => {
        const held = [...(latest.get(node.id) ?? [])];
        const states = new Map(held.map(([typeUrl, { state }]) => [shortType(typeUrl), state]));
        const shown = [...columns, ...rarer.filter((short) => states.has(short))];
        const types = shown.map((short) => [short, states.get(short) ?? 'NOT SENT'] as const);
        const responses = held.map(([typeUrl, { answered }]) => [typeUrl, answered] as const);
        return { node, types: Object.fromEntries(types), responses: Object.fromEntries(responses) };
      }),
  };
}

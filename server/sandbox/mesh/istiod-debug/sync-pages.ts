import type { ControlPlane, ProxySyncStatus } from '#control-plane';
import { istioVersion } from '#istio';
import { typeUrls } from '#xds';
import { type DebugConnection, isVisible, metadataText, proxyName, proxyType } from './connections.ts';
import { proxyLabels, proxyLocality, proxyMetadata } from './proxy-facts.ts';

const COLUMNS = [
  ['cluster', typeUrls.cluster],
  ['listener', typeUrls.listener],
  ['route', typeUrls.route],
  ['endpoint', typeUrls.endpoint],
  ['extensionconfig', typeUrls.extension],
] as const;

/** As Go writes times: a fraction without zeros at its end. */
const at = (ms: number): string => new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');

/** `/debug/syncz`. Source: SyncStatus in istio pilot/pkg/xds/debug.go, where what is empty is left out. */
export function syncStatuses(controlPlane: ControlPlane, namespace: string): object[] {
  const rows = controlPlane.syncStatus().filter(({ node }) => isVisible(node, namespace));
  return rows
    .sort((a, b) => (proxyName(a.node.id) < proxyName(b.node.id) ? -1 : 1))
    .map(({ node, responses }) => ({
      cluster_id: metadataText(node, 'CLUSTER_ID', 'Kubernetes'),
      proxy: proxyName(node.id),
      proxy_type: proxyType(node.id),
      istio_version: metadataText(node, 'ISTIO_VERSION', istioVersion),
      ...Object.fromEntries(
        COLUMNS.flatMap(([column, typeUrl]) =>
          nonces(responses[typeUrl]).map(([what, nonce]) => [`${column}_${what}`, nonce]),
        ),
      ),
      resources: Object.fromEntries(
        Object.entries(responses).map(([typeUrl, answered]) => [
          typeUrl,
          {
            ...Object.fromEntries(nonces(answered)),
            sentTime: at(answered.sentAtMs),
            ...(answered.lastError !== '' && { lastError: answered.lastError }),
          },
        ]),
      ),
    }));
}

const nonces = (answered: ProxySyncStatus['responses'][string] | undefined): [string, string][] =>
  answered === undefined
    ? []
    : [['sent', answered.sentNonce] as [string, string], ['acked', answered.ackedNonce] as [string, string]].filter(
        ([, nonce]) => nonce !== '',
      );

const listed = ({ id, connectedAtMs, peer }: DebugConnection): object => ({
  connectionId: id,
  connectedAt: at(connectedAtMs),
  address: peer,
});

/** `/debug/connections`. */
export const connectionList = (connections: readonly DebugConnection[]): object => ({
  totalClients: connections.length,
  clients: connections.map(listed),
});

/** `/debug/adsz`. */
export const adsClients = (connections: readonly DebugConnection[]): object => ({
  totalClients: connections.length,
  clients: connections.map((connection) => ({
    ...listed(connection),
    labels: proxyLabels(connection.node),
    metadata: proxyMetadata(connection.node),
    locality: proxyLocality(connection.node),
    watches: Object.fromEntries(connection.watches),
  })),
});

import type { ProxySyncStatus } from '#control-plane';
import { istioVersion } from '#istio';
import { type EncodedResource, type TypeUrl, typeUrls } from '#xds';
import { ProxyResources } from './config-dump.ts';
import { debugConnections, findConnection, isVisible, metadataText, proxyName } from './connections.ts';
import type { DebugSources } from './debug-pages.ts';
import { any, type Field, message, timestamp } from './wire.ts';

const CLIENT_CONFIG = 'type.googleapis.com/envoy.service.status.v3.ClientConfig';
/** envoy.service.status.v3.ConfigStatus */
const STATUS = { SYNCED: 1, 'NOT SENT': 2, STALE: 3, ERROR: 4 } as const;
const REDACTED = new TextEncoder().encode('[redacted]');

/** Resources of the type `istio.io/debug/syncz`: a ClientConfig for each proxy. */
export const syncResources = ({ controlPlane }: DebugSources, namespace: string): Uint8Array[] =>
  controlPlane
    .syncStatus()
    .filter(({ node }) => isVisible(node, namespace))
    .map((row) => any(CLIENT_CONFIG, clientConfig(row)));

/** ClientConfig: node (1), generic_xds_configs (3). */
function clientConfig({ node, responses }: ProxySyncStatus): Uint8Array {
  const facts = {
    NAMESPACE: metadataText(node, 'NAMESPACE', ''),
    CLUSTER_ID: metadataText(node, 'CLUSTER_ID', ''),
    // The sandbox's own proxies do not call themselves Istio's build of Envoy, but are of this release.
    ISTIO_VERSION: metadataText(node, 'ISTIO_VERSION', istioVersion),
  };
  const metadata = Object.entries(facts).map(([name, value]): Field => {
    const entry = message([
      [1, name],
      [2, message([[3, value]])],
    ]);
    return [1, entry];
  });
  // istiod shows a proxy by its pod; istioctl prints the node's id as it is.
  const shown = message([
    [1, proxyName(node.id)],
    [3, message(metadata)],
  ]);
  const configs = Object.entries(responses)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([typeUrl, response]): Field => [3, genericConfig(typeUrl, response)]);
  return message([[1, shown], ...configs]);
}

/** GenericXdsConfig: type_url (1), last_updated (5), config_status (6), error_state (8) with last_update_attempt (2) and details (3). */
function genericConfig(typeUrl: string, response: ProxySyncStatus['responses'][string]): Uint8Array {
  const { sentAtMs, lastError } = response;
  const failure: Field[] =
    lastError === ''
      ? []
      : [
          [
            8,
            message([
              [2, timestamp(sentAtMs)],
              [3, lastError],
            ]),
          ],
        ];
  return message([[1, typeUrl], [5, timestamp(sentAtMs)], [6, STATUS[stateOf(response)]], ...failure]);
}

/** Source: debugSyncStatus in istio pilot/pkg/xds/statusgen.go. */
function stateOf({ sentNonce, ackedNonce, lastError }: ProxySyncStatus['responses'][string]): keyof typeof STATUS {
  if (lastError !== '') return 'ERROR';
  if (sentNonce === '') return 'NOT SENT';
  return ackedNonce === sentNonce ? 'SYNCED' : 'STALE';
}

const dump = (name: string, fields: readonly Field[]): Uint8Array =>
  any(`type.googleapis.com/envoy.admin.v3.${name}`, message(fields));

/**
 * Resources of the type `istio.io/debug/config_dump`: the parts of an Envoy config dump (without endpoints) for the proxy whose connection
 * has `proxyId` in its id; none for an unknown one. Source: connectionConfigDump in istio pilot/pkg/xds/debug.go.
 */
export function configDumpResources({ controlPlane }: DebugSources, proxyId: string, namespace: string): Uint8Array[] {
  const connection = findConnection(debugConnections(controlPlane), proxyId);
  if (connection === undefined || !isVisible(connection.node, namespace)) return [];
  const resources = new ProxyResources(controlPlane, connection);
  const version: Field = [1, resources.versionInfo];
  const each = (typeUrl: TypeUrl, write: (resource: EncodedResource) => readonly Field[], at: number): Field[] =>
    resources.of(typeUrl).map((resource) => [at, message(write(resource))]);
  const cluster = each(typeUrls.cluster, (resource) => [[2, anyOf(resource)]], 3);
  const active = (resource: EncodedResource): Uint8Array => message([version, [2, anyOf(resource)]]);
  return [
    dump('BootstrapConfigDump', []),
    dump('ClustersConfigDump', [version, ...cluster]),
    dump('ListenersConfigDump', [
      version,
      ...each(
        typeUrls.listener,
        (resource) => [
          [1, resource.name],
          [2, active(resource)],
        ],
        3,
      ),
    ]),
    dump('ScopedRoutesConfigDump', []),
    dump(
      'RoutesConfigDump',
      each(typeUrls.route, (resource) => [version, [2, anyOf(resource)]], 3),
    ),
    dump(
      'SecretsConfigDump',
      each(
        typeUrls.secret,
        (resource) => [
          [1, resource.name],
          [2, resources.versionInfo],
          [4, anyOf(resource)],
        ],
        2,
      ),
    ),
    dump(
      'EcdsConfigDump',
      each(typeUrls.extension, (resource) => [version, [2, anyOf(resource)]], 1),
    ),
  ];
}

/** A certificate goes without its key: Secret: name (1), tls_certificate (2) with certificate_chain (1) and private_key (2). */
function anyOf({ typeUrl, name, json, bytes }: EncodedResource): Uint8Array {
  const { tls_certificate: pair } = json as {
    readonly tls_certificate?: { readonly certificate_chain?: { readonly inline_bytes?: string } };
  };
  if (typeUrl !== typeUrls.secret || pair === undefined) return any(typeUrl, bytes);
  const inline = (value: Uint8Array): Uint8Array => message([[2, value]]);
  const chain = inline(Buffer.from(pair.certificate_chain?.inline_bytes ?? '', 'base64'));
  const shown = message([
    [1, chain],
    [2, inline(REDACTED)],
  ]);
  return any(
    typeUrl,
    message([
      [1, name],
      [2, shown],
    ]),
  );
}

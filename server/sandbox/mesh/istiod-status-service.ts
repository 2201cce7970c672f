import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Server, ServerDuplexStream, ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { ControlPlane } from '#control-plane';
import { istioVersion } from '#istio';

const SYNCZ = 'istio.io/debug/syncz';
const NONCE = 'syncz';
const CLIENT_CONFIG = 'type.googleapis.com/envoy.service.status.v3.ClientConfig';
const TYPE_URLS: Readonly<Record<string, string>> = {
  CDS: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  LDS: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  EDS: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  RDS: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  SDS: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  ECDS: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
};
/** envoy.service.status.v3.ConfigStatus */
const STATUS: Readonly<Record<string, number>> = { SYNCED: 1, 'NOT SENT': 2, STALE: 3, ERROR: 4 };

const raw = (bytes: Buffer): Buffer => bytes;
const definition: ServiceDefinition = {
  StreamAggregatedResources: {
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    requestStream: true,
    responseStream: true,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
};

export interface StatusServiceOptions {
  readonly controlPlane: ControlPlane;
  /** istiod's pod, which signs each answer. */
  readonly podName: string;
}

/**
 * What `istioctl proxy-status` asks istiod on its secure port: the sync table, as xDS resources of the type `istio.io/debug/syncz`.
 * Unlike istiod, serves no proxy there: those of a sandbox use port 15010.
 */
export function addStatusService(server: Server, options: StatusServiceOptions): void {
  const stream = (call: ServerDuplexStream<Buffer, Buffer>): void => {
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    call.on('data', (request: Buffer) => {
      const { typeUrl, nonce } = readRequest(request);
      // The client's acknowledgement; a nonce of its own invention is a question all the same.
      if (nonce === NONCE) return;
      if (typeUrl === SYNCZ) call.write(answer(options));
      else call.emit('error', { code: status.UNIMPLEMENTED, details: `${typeUrl} is served on port 15010` });
    });
  };
  server.addService(definition, { StreamAggregatedResources: stream as UntypedHandleCall });
}

/** DiscoveryRequest: type_url (4), response_nonce (5). */
function readRequest(bytes: Uint8Array): { typeUrl: string; nonce: string } {
  const reader = new BinaryReader(bytes);
  let [typeUrl, nonce] = ['', ''];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 4) typeUrl = reader.string();
    else if (field === 5) nonce = reader.string();
    else reader.skip(wireType, field);
  }
  return { typeUrl, nonce };
}

type Field = readonly [number, string | Uint8Array | number];

function message(fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int32(value);
    else if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else writer.tag(number, WireType.LengthDelimited).bytes(value);
  }
  return writer.finish();
}

/** DiscoveryResponse: version_info (1), resources (2), type_url (4), nonce (5), control_plane (6). */
function answer({ controlPlane, podName }: StatusServiceOptions): Buffer {
  const identifier = JSON.stringify({ Component: 'istiod', ID: podName, Info: { version: istioVersion } });
  const resources = controlPlane.syncStatus().map((row): Field => {
    const any = message([
      [1, CLIENT_CONFIG],
      [2, clientConfig(row)],
    ]);
    return [2, any];
  });
  const fields: Field[] = [[1, '1'], ...resources, [4, SYNCZ], [5, NONCE], [6, message([[1, identifier]])]];
  return Buffer.from(message(fields));
}

/** ClientConfig: node (1), generic_xds_configs (3) with type_url (1) and config_status (6). */
function clientConfig({ node, types }: ReturnType<ControlPlane['syncStatus']>[number]): Uint8Array {
  // The sandbox's own proxies do not call themselves Istio's build of Envoy, but are of this release.
  const facts = { ISTIO_VERSION: istioVersion, ...node.metadata };
  const metadata = (['NAMESPACE', 'CLUSTER_ID', 'ISTIO_VERSION'] as const).map((name): Field => {
    const value = message([[3, String((facts as Readonly<Record<string, unknown>>)[name] ?? '')]]);
    return [
      1,
      message([
        [1, name],
        [2, value],
      ]),
    ];
  });
  // istiod shows a proxy by its pod; istioctl prints the node's id as it is.
  const shown = message([
    [1, node.id.split('~')[2] ?? node.id],
    [3, message(metadata)],
  ]);
  const configs = Object.entries(types).map(([short, state]): Field => {
    const config = message([
      [1, TYPE_URLS[short] ?? short],
      [6, STATUS[state] ?? 0],
    ]);
    return [3, config];
  });
  return message([[1, shown], ...configs]);
}

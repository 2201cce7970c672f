import { Client, credentials, type Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { type Cluster, decodeResource, encodeResource, type Listener, typeUrls } from '#xds';
import {
  adsPaths,
  type DeltaDiscoveryResponse,
  type DiscoveryResponse,
  deltaDiscoveryResponse,
  discoveryResponse,
} from '../../../server/xds/wire/discovery.ts';

type Call = ServerDuplexStream<Buffer, Buffer>;
/** What stands in for the pod's network namespace: other addresses to bind, and another way to the application. */
export interface PodNetwork {
  listener(listener: Listener): Listener;
  cluster(cluster: Cluster): Cluster;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * Passes ADS streams on to istiod, byte for byte but for what `network` changes. A pod has a network namespace of its own, where
 * `0.0.0.0` is free and the kernel redirects into ports 15001 and 15006; on a shared loopback neither is so.
 */
export function addAdsRelay(server: Server, istiod: string, network: PodNetwork): { close(): void } {
  const client = new Client(istiod, credentials.createInsecure());
  const relay = (path: string, edit: (bytes: Buffer) => Buffer) => (call: Call) => {
    const upstream = client.makeBidiStreamRequest(path, asIs, asIs);
    call.on('data', (bytes: Buffer) => upstream.write(bytes));
    call.on('end', () => upstream.end());
    call.on('cancelled', () => upstream.cancel());
    upstream.on('data', (bytes: Buffer) => call.write(edit(bytes)));
    upstream.on('error', (error) => call.emit('error', error));
    upstream.on('end', () => call.end());
  };
  const method = (path: string) => ({
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  });
  server.addService(
    { sotw: method(adsPaths.stateOfTheWorld), delta: method(adsPaths.delta) },
    {
      sotw: relay(adsPaths.stateOfTheWorld, (bytes) => editStateOfTheWorld(bytes, network)),
      delta: relay(adsPaths.delta, (bytes) => editDelta(bytes, network)),
    },
  );
  return { close: () => client.close() };
}

// Fields are picked one by one: a message that was read cannot be the pattern of one that is written.
function editStateOfTheWorld(bytes: Buffer, network: PodNetwork): Buffer {
  const { typeUrl, versionInfo, nonce, resources }: DiscoveryResponse = discoveryResponse.read(bytes);
  const edit = editOf(typeUrl, network);
  if (edit === undefined) return bytes;
  return discoveryResponse.write({ typeUrl, versionInfo, nonce, resources: resources.map(edit) });
}

function editDelta(bytes: Buffer, network: PodNetwork): Buffer {
  const { typeUrl, systemVersionInfo, nonce, resources, removedResources }: DeltaDiscoveryResponse =
    deltaDiscoveryResponse.read(bytes);
  const edit = editOf(typeUrl, network);
  if (edit === undefined) return bytes;
  const edited = resources.map(({ name, version, resource }) => ({
    name,
    version,
    ...(resource && { resource: edit(resource) }),
  }));
  return deltaDiscoveryResponse.write({ typeUrl, systemVersionInfo, nonce, resources: edited, removedResources });
}

interface AnyBytes {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

function editOf(typeUrl: string, network: PodNetwork): ((any: AnyBytes) => AnyBytes) | undefined {
  const { listener, cluster } = typeUrls;
  if (typeUrl === listener) {
    return ({ value }) => ({
      typeUrl,
      value: encodeResource(listener, network.listener(decodeResource({ typeUrl: listener, value }).json)).bytes,
    });
  }
  if (typeUrl === cluster) {
    return ({ value }) => ({
      typeUrl,
      value: encodeResource(cluster, network.cluster(decodeResource({ typeUrl: cluster, value }).json)).bytes,
    });
  }
  return undefined;
}

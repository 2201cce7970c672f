import { Client, credentials, type Server, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  adsPaths,
  type Cluster,
  type ClusterLoadAssignment,
  type DeltaDiscoveryResponse,
  type DiscoveryResponse,
  decodeResource,
  deltaDiscoveryResponse,
  discoveryResponse,
  encodeResource,
  type Listener,
  rawStream,
  typeUrls,
} from '#xds';

type Call = ServerDuplexStream<Buffer, Buffer>;
/** What stands in for the pod's network namespace: other addresses to bind, and another way to the application. */
export interface PodNetwork {
  listener(listener: Listener): Listener;
  cluster(cluster: Cluster): Cluster | Promise<Cluster>;
  endpoints?(assignment: ClusterLoadAssignment): ClusterLoadAssignment;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * Passes ADS streams on to istiod, byte for byte but for what `network` changes. A pod has a network namespace of its own, where
 * `0.0.0.0` is free and the kernel redirects into ports 15001 and 15006; on a shared loopback neither is so.
 */
export function addAdsRelay(server: Server, istiod: string, network: PodNetwork): { close(): void } {
  const client = new Client(istiod, credentials.createInsecure());
  const relay = (path: string, edit: (bytes: Buffer) => Promise<Buffer>) => (call: Call) => {
    const upstream = client.makeBidiStreamRequest(path, asIs, asIs);
    let passed = Promise.resolve();
    call.on('data', (bytes: Buffer) => upstream.write(bytes));
    call.on('end', () => upstream.end());
    call.on('cancelled', () => upstream.cancel());
    upstream.on('data', (bytes: Buffer) => {
      passed = passed
        .then(() => edit(bytes))
        .then((edited) => void call.write(edited))
        .catch((cause: unknown) => void call.destroy(cause instanceof Error ? cause : new Error(String(cause))));
    });
    upstream.on('error', (error) => call.emit('error', error));
    upstream.on('end', () => call.end());
  };
  server.addService(
    { sotw: rawStream(adsPaths.stateOfTheWorld), delta: rawStream(adsPaths.delta) },
    {
      sotw: relay(adsPaths.stateOfTheWorld, (bytes) => editStateOfTheWorld(bytes, network)),
      delta: relay(adsPaths.delta, (bytes) => editDelta(bytes, network)),
    },
  );
  return { close: () => client.close() };
}

// Fields are picked one by one: a message that was read cannot be the pattern of one that is written.
async function editStateOfTheWorld(bytes: Buffer, network: PodNetwork): Promise<Buffer> {
  const { typeUrl, versionInfo, nonce, resources }: DiscoveryResponse = discoveryResponse.read(bytes);
  const edit = editOf(typeUrl, network);
  if (edit === undefined) return bytes;
  return discoveryResponse.write({ typeUrl, versionInfo, nonce, resources: await Promise.all(resources.map(edit)) });
}

async function editDelta(bytes: Buffer, network: PodNetwork): Promise<Buffer> {
  const { typeUrl, systemVersionInfo, nonce, resources, removedResources }: DeltaDiscoveryResponse =
    deltaDiscoveryResponse.read(bytes);
  const edit = editOf(typeUrl, network);
  if (edit === undefined) return bytes;
  const edited = await Promise.all(
    resources.map(async ({ name, version, resource }) => ({
      name,
      version,
      ...(resource && { resource: await edit(resource) }),
    })),
  );
  return deltaDiscoveryResponse.write({ typeUrl, systemVersionInfo, nonce, resources: edited, removedResources });
}

interface AnyBytes {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

type Edit = (any: AnyBytes) => AnyBytes | Promise<AnyBytes>;

function editOf(typeUrl: string, network: PodNetwork): Edit | undefined {
  const { listener, cluster, endpoint } = typeUrls;
  if (typeUrl === listener) {
    return ({ value }) => ({
      typeUrl,
      value: encodeResource(listener, network.listener(decodeResource({ typeUrl: listener, value }).json)).bytes,
    });
  }
  if (typeUrl === cluster) {
    return async ({ value }) => ({
      typeUrl,
      value: encodeResource(cluster, await network.cluster(decodeResource({ typeUrl: cluster, value }).json)).bytes,
    });
  }
  const { endpoints } = network;
  if (typeUrl !== endpoint || endpoints === undefined) return undefined;
  return ({ value }) => ({
    typeUrl,
    value: encodeResource(endpoint, endpoints(decodeResource({ typeUrl: endpoint, value }).json)).bytes,
  });
}

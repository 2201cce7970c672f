import { Client, credentials, Metadata, type Server, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  adsPaths,
  type Cluster,
  type ClusterLoadAssignment,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  type DiscoveryResponse,
  decodeResource,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
  encodeResource,
  type Listener,
  type ResourceByType,
  rawStream,
  type TypedExtensionConfig,
  typeUrls,
} from '#xds';
import type { AgentWords } from './name-table-stream.ts';

type Call = ServerDuplexStream<Buffer, Buffer>;
/** What stands in for the pod's network namespace: other addresses to bind, and another way to the application. */
export interface PodNetwork {
  listener(listener: Listener): Listener;
  cluster(cluster: Cluster): Cluster | Promise<Cluster>;
  endpoints?(assignment: ClusterLoadAssignment): ClusterLoadAssignment;
  extension?(config: TypedExtensionConfig): TypedExtensionConfig;
  /** What the agent asks for itself, and Envoy does not hear of. */
  readonly words?: Readonly<Record<'delta' | 'sotw', AgentWords>> | undefined;
  /** Route configurations of this version of the control plane's state pass. */
  onRoutes?(version: string): void;
  onListenerRemoved?(name: string): void;
  /** Envoy answers listeners that it was sent: it takes or refuses them. */
  onListenersAnswered?(taken: boolean): void;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * Passes ADS streams on to istiod, byte for byte but for what `network` changes. A pod has a network namespace of its own, where
 * `0.0.0.0` is free and the kernel redirects into ports 15001 and 15006; on a shared loopback neither is so. `token` proves who the proxy is,
 * as Istio's agent does for it: secrets of gateways are sent to nobody else.
 */
export function addAdsRelay(
  server: Server,
  istiod: string,
  network: PodNetwork,
  token?: () => string,
): { close(): void } {
  const client = new Client(istiod, credentials.createInsecure());
  const relay =
    (path: string, { edit, read }: Side, words?: AgentWords) =>
    (call: Call) => {
      const metadata = new Metadata();
      if (token !== undefined) metadata.set('authorization', `Bearer ${token()}`);
      const upstream = client.makeBidiStreamRequest(path, asIs, asIs, metadata);
      let passed = Promise.resolve();
      call.on('data', (bytes: Buffer) => {
        const { errorDetail, responseNonce, typeUrl } = read(bytes);
        if (typeUrl === typeUrls.listener && responseNonce !== '')
          network.onListenersAnswered?.(errorDetail === undefined);
        upstream.write(bytes);
      });
      if (words !== undefined) call.once('data', () => upstream.write(words.first()));
      call.on('end', () => upstream.end());
      call.on('cancelled', () => upstream.cancel());
      upstream.on('data', (bytes: Buffer) => {
        const answer = words?.answer(bytes);
        if (answer !== undefined) {
          upstream.write(answer);
          return;
        }
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
      sotw: relay(adsPaths.stateOfTheWorld, stateOfTheWorld(network), network.words?.sotw),
      delta: relay(adsPaths.delta, delta(network), network.words?.delta),
    },
  );
  return { close: () => client.close() };
}

/** One of the two forms of a stream: what is changed in answers, and how requests are read. */
interface Side {
  readonly edit: (bytes: Buffer) => Promise<Buffer>;
  readonly read: (bytes: Buffer) => Pick<DiscoveryRequest, 'typeUrl' | 'responseNonce' | 'errorDetail'>;
}

const stateOfTheWorld = (network: PodNetwork): Side => ({
  edit: (bytes) => editStateOfTheWorld(bytes, network),
  read: discoveryRequest.read,
});

const delta = (network: PodNetwork): Side => ({
  edit: (bytes) => editDelta(bytes, network),
  read: deltaDiscoveryRequest.read,
});

// Fields are picked one by one: a message that was read cannot be the pattern of one that is written.
async function editStateOfTheWorld(bytes: Buffer, network: PodNetwork): Promise<Buffer> {
  const { typeUrl, versionInfo, nonce, resources }: DiscoveryResponse = discoveryResponse.read(bytes);
  if (typeUrl === typeUrls.route) network.onRoutes?.(versionInfo);
  const edit = editOf(typeUrl, network);
  if (edit === undefined) return bytes;
  return discoveryResponse.write({ typeUrl, versionInfo, nonce, resources: await Promise.all(resources.map(edit)) });
}

async function editDelta(bytes: Buffer, network: PodNetwork): Promise<Buffer> {
  const { typeUrl, systemVersionInfo, nonce, resources, removedResources }: DeltaDiscoveryResponse =
    deltaDiscoveryResponse.read(bytes);
  if (typeUrl === typeUrls.route) network.onRoutes?.(systemVersionInfo);
  if (typeUrl === typeUrls.listener) for (const name of removedResources) network.onListenerRemoved?.(name);
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

/** Undefined where nothing of this type is changed. */
function editOf(typeUrl: string, network: PodNetwork): Edit | undefined {
  switch (typeUrl) {
    case typeUrls.listener:
      return edited(typeUrls.listener, (listener) => network.listener(listener));
    case typeUrls.cluster:
      return edited(typeUrls.cluster, (cluster) => network.cluster(cluster));
    case typeUrls.endpoint:
      return network.endpoints && edited(typeUrls.endpoint, (assignment) => network.endpoints!(assignment));
    case typeUrls.extension:
      return network.extension && edited(typeUrls.extension, (config) => network.extension!(config));
    default:
      return undefined;
  }
}

const edited =
  <T extends keyof ResourceByType>(
    typeUrl: T,
    change: (json: ResourceByType[T]) => ResourceByType[T] | Promise<ResourceByType[T]>,
  ): Edit =>
  async ({ value }) => ({
    typeUrl,
    value: encodeResource(typeUrl, await change(decodeResource({ typeUrl, value }).json as ResourceByType[T])).bytes,
  });

import { Client, credentials, type Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { decodeResource, encodeResource, type Listener, typeUrls } from '#xds';
import {
  adsPaths,
  type DeltaDiscoveryResponse,
  type DiscoveryResponse,
  deltaDiscoveryResponse,
  discoveryResponse,
} from '../../../server/xds/wire/discovery.ts';

type Call = ServerDuplexStream<Buffer, Buffer>;
/** What to bind instead, so that a listener can live beside others on one loopback. */
export type Rebind = (listener: Listener) => Listener;

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * Passes ADS streams on to istiod, byte for byte but for the addresses that listeners bind. A pod has a network namespace of its own,
 * where `0.0.0.0` is free and the kernel redirects into port 15001; on a shared loopback neither is so.
 */
export function addAdsRelay(server: Server, istiod: string, rebind: Rebind): { close(): void } {
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
      sotw: relay(adsPaths.stateOfTheWorld, (bytes) => editStateOfTheWorld(bytes, rebind)),
      delta: relay(adsPaths.delta, (bytes) => editDelta(bytes, rebind)),
    },
  );
  return { close: () => client.close() };
}

// Fields are picked one by one: a message that was read cannot be the pattern of one that is written.
function editStateOfTheWorld(bytes: Buffer, rebind: Rebind): Buffer {
  const { typeUrl, versionInfo, nonce, resources }: DiscoveryResponse = discoveryResponse.read(bytes);
  if (typeUrl !== typeUrls.listener) return bytes;
  const edited = resources.map(({ value }) => rebound(value, rebind));
  return discoveryResponse.write({ typeUrl, versionInfo, nonce, resources: edited });
}

function editDelta(bytes: Buffer, rebind: Rebind): Buffer {
  const { typeUrl, systemVersionInfo, nonce, resources, removedResources }: DeltaDiscoveryResponse =
    deltaDiscoveryResponse.read(bytes);
  if (typeUrl !== typeUrls.listener) return bytes;
  const edited = resources.map(({ name, version, resource }) => ({
    name,
    version,
    ...(resource && { resource: rebound(resource.value, rebind) }),
  }));
  return deltaDiscoveryResponse.write({ typeUrl, systemVersionInfo, nonce, resources: edited, removedResources });
}

function rebound(value: Uint8Array, rebind: Rebind): { typeUrl: string; value: Uint8Array } {
  const { json } = decodeResource({ typeUrl: typeUrls.listener, value });
  return { typeUrl: typeUrls.listener, value: encodeResource(typeUrls.listener, rebind(json)).bytes };
}

/** Listeners of any address get the pod's own, and what capture would have brought them they take at their own port. */
export const bindAt =
  (podIp: string): Rebind =>
  (listener) => {
    const { address } = listener.address?.socket_address ?? {};
    if (address !== '0.0.0.0') return listener;
    const { bind_to_port: _, ...rest } = listener;
    const socket_address = { ...listener.address?.socket_address, address: podIp };
    return { ...rest, address: { ...listener.address, socket_address } } as Listener;
  };

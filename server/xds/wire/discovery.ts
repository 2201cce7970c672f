import { create, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { AnyBytes } from '../codec/codec.ts';
import { messageType } from '../codec/message-types.ts';

/** envoy.config.core.v3.Node, as far as it is read. */
export interface NodeMessage {
  readonly id: string;
  readonly cluster: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly userAgentName?: string;
}

/** google.rpc.Status: why a response was refused. */
export interface ErrorDetail {
  readonly code: number;
  readonly message: string;
}

export interface DiscoveryRequest {
  readonly node?: NodeMessage;
  readonly typeUrl: string;
  readonly versionInfo: string;
  readonly resourceNames: readonly string[];
  readonly responseNonce: string;
  readonly errorDetail?: ErrorDetail;
}

export interface DiscoveryResponse {
  readonly typeUrl: string;
  readonly versionInfo: string;
  readonly nonce: string;
  readonly resources: readonly AnyBytes[];
}

export interface DeltaDiscoveryRequest {
  readonly node?: NodeMessage;
  readonly typeUrl: string;
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  readonly initialResourceVersions: Readonly<Record<string, string>>;
  readonly responseNonce: string;
  readonly errorDetail?: ErrorDetail;
}

export interface DeltaDiscoveryResponse {
  readonly typeUrl: string;
  readonly systemVersionInfo: string;
  readonly nonce: string;
  readonly resources: readonly { readonly name: string; readonly version: string; readonly resource?: AnyBytes }[];
  readonly removedResources: readonly string[];
}

/** Reads and writes one message type of the discovery service. Reading throws when the bytes are no such message. */
export interface WireFormat<Message> {
  read(bytes: Uint8Array): Message;
  /** Absent fields are left at their default. */
  write(message: Partial<Message>): Buffer;
}

function wireFormat<Message extends object>(name: string): WireFormat<Message> {
  const type = (): DescMessage => messageType(`envoy.service.discovery.v3.${name}`);
  return {
    read: (bytes) => fromBinary(type(), bytes) as unknown as Message,
    write(message) {
      const bytes = toBinary(type(), create(type(), message));
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}

export const discoveryRequest = wireFormat<DiscoveryRequest>('DiscoveryRequest');
export const discoveryResponse = wireFormat<DiscoveryResponse>('DiscoveryResponse');
export const deltaDiscoveryRequest = wireFormat<DeltaDiscoveryRequest>('DeltaDiscoveryRequest');
export const deltaDiscoveryResponse = wireFormat<DeltaDiscoveryResponse>('DeltaDiscoveryResponse');

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

/** Paths of the two methods of the aggregated discovery service. */
export const adsPaths = {
  stateOfTheWorld: `${SERVICE}/StreamAggregatedResources`,
  delta: `${SERVICE}/DeltaAggregatedResources`,
} as const;

import { create, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { AnyBytes } from '../codec/codec.ts';
import { messageType } from '../codec/message-types.ts';
import type { NodeLocality } from '../doors.ts';
import { type Field, messageBytes, optional, repeated } from './fields.ts';
import { readDeltaRequest, readDeltaResponse } from './quick-read.ts';

/** envoy.config.core.v3.Node, as far as it is read. */
export interface NodeMessage {
  readonly id: string;
  readonly cluster: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly userAgentName?: string;
  readonly locality?: NodeLocality;
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

/**
 * `fieldsOf` gives the fields of the messages that go to, or come from, every proxy with every push: they are written in a tenth of the
 * time. Undefined for a message with more in it. `quickRead` likewise for reading.
 */
function wireFormat<Message extends object>(
  name: string,
  fieldsOf: (message: Partial<Message>) => readonly Field[] | undefined = () => undefined,
  quickRead: (bytes: Uint8Array) => Message | undefined = () => undefined,
): WireFormat<Message> {
  const type = (): DescMessage => messageType(`envoy.service.discovery.v3.${name}`);
  return {
    read: (bytes) => quickRead(bytes) ?? (fromBinary(type(), bytes) as unknown as Message),
    write(message) {
      const fields = fieldsOf(message);
      if (fields !== undefined) return messageBytes(fields);
      const bytes = toBinary(type(), create(type(), message));
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}

const anyFields = ({ typeUrl, value }: AnyBytes): readonly Field[] => [...optional(1, typeUrl), ...optional(2, value)];

export const discoveryRequest = wireFormat<DiscoveryRequest>('DiscoveryRequest');

export const discoveryResponse = wireFormat<DiscoveryResponse>(
  'DiscoveryResponse',
  ({ versionInfo = '', resources = [], typeUrl = '', nonce = '' }) => [
    ...optional(1, versionInfo),
    ...resources.map((any): Field => [2, anyFields(any)]),
    ...optional(4, typeUrl),
    ...optional(5, nonce),
  ],
);

function deltaRequestFields(request: Partial<DeltaDiscoveryRequest>): readonly Field[] | undefined {
  const { node, typeUrl = '', initialResourceVersions = {}, responseNonce = '', errorDetail } = request;
  if (node !== undefined || errorDetail !== undefined || Object.keys(initialResourceVersions).length > 0)
    return undefined;
  return [
    ...optional(2, typeUrl),
    ...repeated(3, request.resourceNamesSubscribe ?? []),
    ...repeated(4, request.resourceNamesUnsubscribe ?? []),
    ...optional(6, responseNonce),
  ];
}

export const deltaDiscoveryRequest = wireFormat<DeltaDiscoveryRequest>(
  'DeltaDiscoveryRequest',
  deltaRequestFields,
  readDeltaRequest,
);

export const deltaDiscoveryResponse = wireFormat<DeltaDiscoveryResponse>(
  'DeltaDiscoveryResponse',
  ({ systemVersionInfo = '', resources = [], typeUrl = '', nonce = '', removedResources = [] }) => [
    ...optional(1, systemVersionInfo),
    ...resources.map(
      ({ name, version, resource }): Field => [
        2,
        [
          ...optional(1, version),
          ...(resource === undefined ? [] : [[2, anyFields(resource)] satisfies Field]),
          ...optional(3, name),
        ],
      ],
    ),
    ...optional(4, typeUrl),
    ...optional(5, nonce),
    ...repeated(6, removedResources),
  ],
  readDeltaResponse,
);

/** The envelope of a resource on a stream of the state of the world. */
export const WRAPPER = 'type.googleapis.com/envoy.service.discovery.v3.Resource';

export const resourceWrapper = wireFormat<DeltaDiscoveryResponse['resources'][number]>('Resource');

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

/** Paths of the two methods of the aggregated discovery service. */
export const adsPaths = {
  stateOfTheWorld: `${SERVICE}/StreamAggregatedResources`,
  delta: `${SERVICE}/DeltaAggregatedResources`,
} as const;

import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import type { EncodedResource } from '../doors.ts';
import { messageType, messageTypes, typeNameOf } from './message-types.ts';

/** Encodes any message that the lab knows, given in protobuf JSON; throws for what does not fit. */
export function encodeMessage(typeName: string, json: object): Uint8Array {
  const type = messageType(typeName);
  return toBinary(type, fromJson(type, json as JsonValue, { registry: messageTypes() }));
}

/** A resource in protobuf JSON as Go programs print it: names of fields in camel case, `@type` first. */
export function camelCaseJson({ typeUrl, bytes }: Pick<EncodedResource, 'typeUrl' | 'bytes'>): object {
  const type = messageType(typeNameOf(typeUrl));
  return { '@type': typeUrl, ...(toJson(type, fromBinary(type, bytes), { registry: messageTypes() }) as object) };
}

/** Decodes any message that the lab knows to protobuf JSON, enums as numbers; throws for bytes that are none. */
export function decodeMessage(typeName: string, bytes: Uint8Array): object {
  const type = messageType(typeName);
  const options = { registry: messageTypes(), useProtoFieldName: true, enumAsInteger: true };
  return toJson(type, fromBinary(type, bytes), options) as object;
}

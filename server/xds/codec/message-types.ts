import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { MeshworkError } from '#domain';

function readDescriptors(): FileRegistry {
  const file = new URL('../proto/envoy.binpb', import.meta.url);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
}

/** Runs `make` at the first call and answers with that value ever after. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * Every message of proto/envoy.binpb. Read at first use (about 16 ms), so that a caller who needs only the types pays
 * nothing.
 */
export const messageTypes: () => FileRegistry = once(readDescriptors);

/** The description of a message by its full name; throws `xds.unknown-type` when the lab does not know it. */
export function messageType(typeName: string): DescMessage {
  const found = messageTypes().getMessage(typeName);
  if (!found) throw new MeshworkError('xds.unknown-type', `${typeName} is not among the xDS messages Meshwork knows`);
  return found;
}

const PREFIX = 'type.googleapis.com/';

/** `type.googleapis.com/envoy…Listener` → `envoy…Listener`. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.startsWith(PREFIX) ? typeUrl.slice(PREFIX.length) : typeUrl;
}

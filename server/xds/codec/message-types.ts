import { readFileSync } from 'node:fs';
import type { DescMessage, Registry } from '@bufbuild/protobuf';
import { MeshworkError } from '#domain';
import { lazyRegistry } from './descriptor-files.ts';

function readDescriptors(): Registry {
  return lazyRegistry(readFileSync(new URL('../proto/envoy.binpb', import.meta.url)));
}

/** Runs `make` at the first call and answers with that value ever after. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Every message of proto/envoy.binpb, read at first use, so that a caller who needs only the types pays nothing. */
export const messageTypes: () => Registry = once(readDescriptors);

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

import { type Diagnostic, errorMessage } from '#domain';
import { type EncodedResource, encodeResource, type ResourceByType, type TypeUrl } from '#xds';

export type EncodedMap = ReadonlyMap<string, EncodedResource>;

/** Encoded resources of one type, by name, and what could not be encoded. */
export interface EncodedPart {
  readonly resources: EncodedMap;
  readonly problems: readonly Diagnostic[];
}

/** Encodes resources. One that was encoded before, by identity, is not encoded again: translation changes nothing that it has made. */
export type Encoder = <Url extends TypeUrl>(
  typeUrl: Url,
  resources: readonly ResourceByType[Url][],
  previous: EncodedPart | undefined,
) => EncodedPart;

export function createEncoder(): Encoder {
  const known = new WeakMap<object, EncodedResource>();
  return (typeUrl, resources, previous) => {
    const encoded = new Map<string, EncodedResource>();
    const problems: Diagnostic[] = [];
    for (const resource of resources) {
      try {
        const done = known.get(resource) ?? encodeResource(typeUrl, resource);
        known.set(resource, done);
        encoded.set(done.name, done);
      } catch (cause) {
        problems.push({ code: 'MW0402', severity: 'error', message: errorMessage(cause) });
        // A resource that cannot be encoded keeps its last good form.
        const { name, cluster_name } = resource as { readonly name?: string; readonly cluster_name?: string };
        const last = previous?.resources.get(name ?? cluster_name ?? '');
        if (last !== undefined) encoded.set(last.name, last);
      }
    }
    return { resources: encoded, problems };
  };
}

import type { AnyBytes, DecodedResource } from './codec.ts';

/** Resources that are kept at most. */
const MOST = 16;
/** Bytes of one: to hash fewer takes no time, and more would take space for good. */
const SHORTEST = 2 * 1024;
const LONGEST = 64 * 1024;

/** The last resources that were read, by their bytes: a push brings the same to proxy after proxy, and to compare takes less time than to hash. */
export interface LatestDecoded {
  find(any: AnyBytes): DecodedResource | undefined;
  keep(any: AnyBytes, resource: DecodedResource): void;
}

interface Entry {
  readonly typeUrl: string;
  readonly bytes: Buffer;
  readonly resource: DecodedResource;
}

export function createLatestDecoded(): LatestDecoded {
  const entries: Entry[] = [];
  let next = 0;
  return {
    find({ typeUrl, value }) {
      if (value.length < SHORTEST) return undefined;
      for (const { bytes, resource, typeUrl: own } of entries) {
        if (bytes.length === value.length && own === typeUrl && bytes.equals(value)) return resource;
      }
      return undefined;
    },
    keep({ typeUrl, value }, resource) {
      if (value.length < SHORTEST || value.length > LONGEST) return;
      // A copy of its own: a view would keep the whole response.
      const copy = Buffer.allocUnsafeSlow(value.length);
      copy.set(value);
      entries[next] = { typeUrl, bytes: copy, resource };
      next = (next + 1) % MOST;
    },
  };
}

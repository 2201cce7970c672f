import { fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import type { Headers } from './headers.ts';

const METADATA = 'x-envoy-peer-metadata';
const METADATA_ID = 'x-envoy-peer-metadata-id';
/** Distinct peers remembered; a mesh has far fewer. */
const MAX_PEERS = 500;

/** What a proxy tells its peers about its workload. */
export interface PeerWorkload {
  readonly workload: string;
  readonly namespace: string;
  readonly service: string;
  readonly version: string;
}

export const UNKNOWN_PEER: PeerWorkload = {
  workload: 'unknown',
  namespace: 'unknown',
  service: 'unknown',
  version: 'unknown',
};

/**
 * Istio's metadata exchange: each proxy sends its workload's names in a header (base64 of a protobuf Struct) and takes the peer's away
 * before the application sees it. Metrics get their peer labels from it.
 */
export class PeerMetadata {
  readonly #own: string;
  readonly #id: string;
  readonly #known = new Map<string, PeerWorkload>();
  #last: { readonly given: string; readonly peer: PeerWorkload } = { given: '', peer: UNKNOWN_PEER };

  constructor(own: PeerWorkload, nodeId: string) {
    this.#own = encode(own);
    this.#id = nodeId;
  }

  write(headers: Headers): void {
    headers.put(METADATA, this.#own);
    headers.put(METADATA_ID, this.#id);
  }

  /** The peer that wrote these headers, which are removed; undefined when none did. */
  take(headers: Headers): PeerWorkload | undefined {
    const given = headers.get(METADATA);
    if (given === undefined) return undefined;
    headers.remove(METADATA);
    headers.remove(METADATA_ID);
    // One connection's requests come from one peer: to compare is cheaper than to look up.
    if (given !== this.#last.given) this.#last = { given, peer: this.#read(given) };
    return this.#last.peer;
  }

  #read(given: string): PeerWorkload {
    const known = this.#known.get(given);
    if (known !== undefined) return known;
    const peer = decode(given);
    if (this.#known.size >= MAX_PEERS) this.#known.clear();
    this.#known.set(given, peer);
    return peer;
  }
}

const NAME = 'service.istio.io/canonical-name';
const REVISION = 'service.istio.io/canonical-revision';

function encode(peer: PeerWorkload): string {
  const struct = fromJson(StructSchema, {
    WORKLOAD_NAME: peer.workload,
    NAMESPACE: peer.namespace,
    LABELS: { [NAME]: peer.service, [REVISION]: peer.version },
  });
  return Buffer.from(toBinary(StructSchema, struct)).toString('base64');
}

function decode(header: string): PeerWorkload {
  try {
    const given = toJson(StructSchema, fromBinary(StructSchema, Buffer.from(header, 'base64')));
    const labels = given['LABELS'];
    const inside = typeof labels === 'object' && labels !== null && !Array.isArray(labels) ? labels : {};
    const text = (value: unknown): string => (typeof value === 'string' ? value : 'unknown');
    return {
      workload: text(given['WORKLOAD_NAME']),
      namespace: text(given['NAMESPACE']),
      service: text(inside[NAME]),
      version: text(inside[REVISION]),
    };
  } catch (thrown) {
    // Anybody can send this header: text that is no Struct tells nothing about the peer.
    if (thrown instanceof Error) return UNKNOWN_PEER;
    throw thrown;
  }
}

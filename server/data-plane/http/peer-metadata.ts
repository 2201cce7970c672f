import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { AnySchema, anyPack, anyUnpack, StructSchema } from '@bufbuild/protobuf/wkt';
import type { Headers } from './headers.ts';

const METADATA = 'x-envoy-peer-metadata';
const METADATA_ID = 'x-envoy-peer-metadata-id';
/** Distinct peers remembered; a mesh has far fewer. */
const MAX_PEERS = 500;

/** What a proxy tells its peers about its workload; texts that it does not tell are empty. */
export interface PeerWorkload {
  readonly pod: string;
  readonly workload: string;
  readonly namespace: string;
  readonly cluster: string;
  /** Canonical service and revision. */
  readonly service: string;
  readonly version: string;
  /** The labels `app` and `version`. */
  readonly app: string;
  readonly appVersion: string;
}

/** Of a peer that does not tell who it is. */
export const UNKNOWN_PEER: PeerWorkload = {
  pod: '',
  workload: '',
  namespace: '',
  cluster: '',
  service: '',
  version: '',
  app: '',
  appVersion: '',
};

/**
 * Istio's metadata exchange: each proxy sends its workload's names in a header (base64 of a protobuf Struct) and takes the peer's away
 * before the application sees it. Metrics get their peer labels from it.
 */
export class PeerMetadata {
  readonly #own: string;
  readonly #id: string;
  /** The same for connections that carry no requests. */
  readonly introduction: Buffer;
  readonly #known = new Map<string, PeerWorkload>();
  #last: { readonly given: string; readonly peer: PeerWorkload } = { given: '', peer: UNKNOWN_PEER };

  constructor(own: PeerWorkload, nodeId: string) {
    this.#own = encode(own);
    this.#id = nodeId;
    this.introduction = encodeIntroduction(own, nodeId);
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
    const peer = readPeerHeader(given);
    if (this.#known.size >= MAX_PEERS) this.#known.clear();
    this.#known.set(given, peer);
    return peer;
  }
}

const NAME = 'service.istio.io/canonical-name';
const REVISION = 'service.istio.io/canonical-revision';

/** The fields of a node's metadata that tell of its workload; Istio's proxies read no others. */
function structOf(peer: PeerWorkload): Record<string, JsonValue> {
  const told = (fields: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
  return {
    ...told({ NAME: peer.pod, NAMESPACE: peer.namespace, CLUSTER_ID: peer.cluster, WORKLOAD_NAME: peer.workload }),
    LABELS: told({ app: peer.app, version: peer.appVersion, [NAME]: peer.service, [REVISION]: peer.version }),
  };
}

function peerOf(given: JsonValue | undefined): PeerWorkload {
  const fields = membersOf(given);
  const labels = membersOf(fields['LABELS']);
  const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');
  return {
    pod: text(fields['NAME']),
    workload: text(fields['WORKLOAD_NAME']),
    namespace: text(fields['NAMESPACE']),
    cluster: text(fields['CLUSTER_ID']),
    service: text(labels[NAME]),
    version: text(labels[REVISION]),
    app: text(labels['app']),
    appVersion: text(labels['version']),
  };
}

const membersOf = (value: JsonValue | undefined): Readonly<Record<string, JsonValue>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};

const encode = (peer: PeerWorkload): string =>
  Buffer.from(toBinary(StructSchema, fromJson(StructSchema, structOf(peer)))).toString('base64');

/** Reads what a proxy says of its workload in the header `x-envoy-peer-metadata`. */
export function readPeerHeader(header: string): PeerWorkload {
  try {
    return peerOf(toJson(StructSchema, fromBinary(StructSchema, Buffer.from(header, 'base64'))));
  } catch (thrown) {
    // Anybody can send this header: text that is no Struct tells nothing about the peer.
    if (thrown instanceof Error) return UNKNOWN_PEER;
    throw thrown;
  }
}

/** What a proxy says of itself at the beginning of a connection: an Any with a Struct of what it says in headers. */
export function encodeIntroduction(own: PeerWorkload, nodeId: string): Buffer {
  const struct = fromJson(StructSchema, { [METADATA]: structOf(own), [METADATA_ID]: nodeId });
  return Buffer.from(toBinary(AnySchema, anyPack(StructSchema, struct)));
}

/** Reads such bytes; undefined when they are something else. */
export function readIntroduction(bytes: Uint8Array): PeerWorkload | undefined {
  try {
    const struct = anyUnpack(fromBinary(AnySchema, bytes), StructSchema);
    return struct && peerOf(membersOf(toJson(StructSchema, struct))[METADATA]);
  } catch (thrown) {
    if (thrown instanceof Error) return undefined;
    throw thrown;
  }
}

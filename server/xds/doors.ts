import type { Clock, Random } from '#domain';
import type { ResourceByType, TypeUrl } from './resources.ts';

/** A resource ready for the wire: encoded once, shared by all proxies that receive the same bytes. */
export interface EncodedResource {
  readonly typeUrl: TypeUrl;
  readonly name: string;
  /** Hash of the bytes; equal bytes, equal version. */
  readonly version: string;
  /** The message in protobuf JSON; frozen. */
  readonly json: object;
  readonly bytes: Uint8Array;
}

/** Everything that one proxy is to hold. Immutable. */
export interface XdsSnapshot {
  /** Names the push: `<time>/<counter>`, as istiod writes it. */
  readonly versionInfo: string;
  /** The apply that caused it; rides to the first affected request. */
  readonly changeId: string;
  readonly resources: ReadonlyMap<TypeUrl, ReadonlyMap<string, EncodedResource>>;
}

/** Who opened a stream, from DiscoveryRequest.node. */
export interface ProxyNode {
  /** `sidecar~127.8.1.4~reviews-v1-abc.default~default.svc.cluster.local`, `router~…`. */
  readonly id: string;
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The program that asks: `envoy`, `gRPC C-core`, `meshwork` for a proxy of ours. Absent where it does not say. */
  readonly userAgent?: string;
  /** Where it says that it is. */
  readonly locality?: NodeLocality;
  /** What the stream's token proves; absent: nothing, whatever the node says of itself. */
  readonly identity?: ProvenIdentity;
}

/** envoy.config.core.v3.Locality; absent parts are unknown. */
export interface NodeLocality {
  readonly region?: string;
  readonly zone?: string;
  readonly subZone?: string;
}

/** The ServiceAccount that a client acts for. */
export interface ProvenIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

export type PushState = 'sent' | 'acked' | 'nacked';

/** The forms of the protocol: differences, or all names and all of a type each time. */
export type AdsVariant = 'delta' | 'state of the world';

/** What became of one response on one stream; the push list and `istioctl proxy-status` read these. */
export interface PushEvent {
  readonly nodeId: string;
  readonly typeUrl: TypeUrl;
  /** Of its stream; absent: delta. */
  readonly variant?: AdsVariant;
  readonly versionInfo: string;
  readonly changeId: string;
  readonly nonce: string;
  readonly state: PushState;
  /** Clock.now() of the event. */
  readonly atMs: number;
  readonly bytes: number;
  readonly resources: readonly string[];
  readonly removed: readonly string[];
  /** What the response carried; on `sent` only. */
  readonly carried?: readonly EncodedResource[];
  /** error_detail.message of a NACK. */
  readonly error?: string;
}

export interface AdsServerOptions {
  readonly clock: Clock;
  /** Called when a stream names its node; answers with the first snapshot. May be called again after `setSnapshot`. */
  readonly onConnect: (node: ProxyNode) => XdsSnapshot | undefined;
  readonly onDisconnect?: (nodeId: string) => void;
  /** Reads the bearer token of a stream; undefined for one that proves nothing. Absent: no stream proves anything. */
  readonly verify?: (token: string) => ProvenIdentity | undefined;
  readonly onPush?: (event: PushEvent) => void;
}

/** One stream of a client, as istiod's debug pages tell of it. */
export interface AdsConnection {
  readonly node: ProxyNode;
  /** Counts the streams of this server, from 1. */
  readonly number: number;
  /** Clock.now() of its first request. */
  readonly connectedAtMs: number;
  /** Address and port of the client, as gRPC writes them. */
  readonly peer: string;
  /** Names that it asks for, by type; none stands for all of the type. */
  readonly watches: ReadonlyMap<TypeUrl, readonly string[]>;
}

/** A stream as gRPC hands it over, its messages as bytes. */
export type AdsCall = import('@grpc/grpc-js').ServerDuplexStream<Buffer, Buffer>;

/** On what terms a port serves. */
export interface AdsTerms {
  /** Callers must prove by their token that they are the workload which their node names. Default: who proves nothing is served, too. */
  readonly proven?: boolean;
  /** Takes a stream over whose first request is none for a proxy; true: it has. */
  readonly divert?: (call: AdsCall, first: Buffer) => boolean;
}

/** Serves AggregatedDiscoveryService, state-of-the-world and delta, to any xDS client. Knows no Istio kind. */
export interface AdsServer {
  /** Adds the service to a gRPC server that the caller owns. */
  readonly register: (server: import('@grpc/grpc-js').Server, terms?: AdsTerms) => void;
  /** Pushes what changed between the node's last snapshot and this one, in make-before-break order (CDS, EDS, LDS, RDS). */
  setSnapshot(nodeId: string, snapshot: XdsSnapshot): void;
  connected(): readonly ProxyNode[];
  /** Undefined when no node of this id is connected. */
  node(nodeId: string): ProxyNode | undefined;
  /** By number. */
  connections(): readonly AdsConnection[];
  /** Whether the node has answered all it was sent and nothing is held back for it. True for a node that is not connected. */
  isIdle(nodeId: string): boolean;
  /** Ends all streams. */
  close(): void;
}

/** What a proxy did with one resource of a response: nothing means accepted. */
export interface Rejection {
  readonly name: string;
  readonly message: string;
}

export interface XdsUpdate {
  readonly typeUrl: TypeUrl;
  readonly versionInfo: string;
  /** Added or changed resources, decoded to protobuf JSON. */
  readonly upserted: readonly {
    readonly name: string;
    readonly version: string;
    readonly resource: ResourceByType[TypeUrl];
  }[];
  readonly removed: readonly string[];
  /** What came and could not be read; the client refuses it. */
  readonly unreadable?: readonly Rejection[];
}

export interface AdsClientOptions {
  /** Absent: delta. */
  readonly variant?: AdsVariant;
  /** `127.8.0.1:15010`, dialled in plaintext. */
  readonly address: string;
  readonly node: ProxyNode;
  /** Asked for each stream and sent as a bearer token: what the control plane believes the node's identity by. */
  readonly token?: () => string;
  readonly clock: Clock;
  /** Spreads reconnects. */
  readonly random: Random;
  /** Takes an update. Returned rejections are sent back as one NACK whose text joins them; the others stay accepted. */
  readonly onUpdate: (update: XdsUpdate) => readonly Rejection[];
  readonly onStatus?: (status: 'connected' | 'disconnected', error?: string) => void;
  /** How often a silent control plane is asked for a sign of life, and how long it may take; absent: as Istio's agent, 30 s and 10 s. */
  readonly keepAlive?: { readonly everyMs: number; readonly answerMs: number };
  /** Called when `onUpdate` throws; the update is then refused as a whole, in the same words. */
  readonly onError?: (error: Error) => void;
}

/** An ADS client with reconnect (full-jitter backoff, base 500 ms, at most 2 s; unlike Envoy, whose ceiling is 30 s). */
export interface AdsClient {
  start(): void;
  /**
   * Subscribes to all of a type (`*`: listeners, clusters) or to exactly these names (routes, endpoints), instead of the
   * earlier.
   */
  subscribe(typeUrl: TypeUrl, names: readonly string[] | '*'): void;
  stop(): void;
}

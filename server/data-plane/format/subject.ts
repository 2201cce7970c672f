import type { Clock, SocketAddress, TrafficDirection } from '#domain';
import type { ProxyNode } from '#xds';
import type { EndpointConfig } from '../config/endpoint-config.ts';
import type { ResponseHead, TlsFacts } from '../http/codec.ts';
import type { DynamicMetadata } from '../http/dynamic-metadata.ts';
import type { FilterState } from '../http/filter-state.ts';
import type { GrpcMessages } from '../http/grpc-messages.ts';
import { Headers } from '../http/headers.ts';
import type { PeerWorkload } from '../http/peer-metadata.ts';
import type { TraceReason } from '../http/request-id.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { LogTaker } from '../log-service/log-services.ts';
import type { HelloFingerprints } from '../tls/hello-fingerprints.ts';

/** A request head as formats read it. */
export interface FormatHead {
  method: string;
  path: string;
  authority: string;
  scheme: string;
  protocol: string;
  headers: Headers;
  /** Why it is answered before anything looks at it. */
  readonly refusal?: { readonly details: string };
}

/** In place of a request on connections that carry none. */
export const NO_REQUEST: FormatHead = Object.freeze({
  method: '',
  path: '',
  authority: '',
  scheme: '',
  protocol: '',
  headers: new Headers(),
});

/** What an xDS resource carries as `metadata`. */
export interface ResourceMetadata {
  readonly filter_metadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The kinds of metadata that `%METADATA(KIND:…)%` names, but for dynamic metadata. */
export type MetadataKind =
  | 'CLUSTER'
  | 'ROUTE'
  | 'UPSTREAM_HOST'
  | 'LISTENER'
  | 'LISTENER_FILTER_CHAIN'
  | 'VIRTUAL_HOST';

/** A cluster as formats see it. */
export interface FormatCluster {
  readonly config: { readonly resource: { readonly alt_stat_name?: string } };
}

/** The proxy that writes. */
export interface FormatRuntime {
  readonly clusters: { get(name: string): FormatCluster | undefined };
  readonly clock?: Clock;
  /** Takes entries that leave the proxy over the network; absent: nobody does. */
  readonly logServices?: LogTaker;
}

/** What a format string may speak of: one request, its answer and the connection it came on. */
export interface FormatSubject {
  readonly head: FormatHead;
  readonly responseHead: ResponseHead | undefined;
  readonly responseTrailers?: Headers | undefined;
  readonly info: StreamInfo;
  readonly connection: FormatConnection;
  /** The original client's address where it is known from headers; absent: the peer's. */
  readonly remoteAddress?: SocketAddress | undefined;
  /** TLS of the connection to the host. */
  readonly upstreamTls?: TlsFacts | undefined;
  readonly endpoint?: EndpointConfig | undefined;
  readonly runtime?: FormatRuntime | undefined;
  /** What filters have left, by filter name. */
  readonly dynamicMetadata?: Pick<DynamicMetadata, 'of' | 'all'> | undefined;
  /** Texts that filters have left under names of their own. */
  /** Messages of a gRPC call, where a filter leaves how many there were. */
  readonly leftCounts?: GrpcMessages | undefined;
  readonly filterState?: Pick<FilterState, 'of' | 'valueOf' | 'all'> | undefined;
  readonly resourceMetadata?: ((kind: MetadataKind) => ResourceMetadata | undefined) | undefined;
  /** Whose request it is. */
  readonly proxy?: FormatProxy | undefined;
  /** The workload on the other side, as its proxy named itself. */
  readonly peer?: PeerWorkload | undefined;
  /** Why the request is traced; undefined: it is not. */
  readonly traceReason?: TraceReason | undefined;
  /** Ids of the span of this hop as its tracer knows it; undefined: there is no tracer. */
  readonly tracerSpan?: { readonly traceId: string; readonly spanId: string } | undefined;
  /** Ids of the span of this hop. */
  readonly span?: { readonly traceId: string; readonly spanId: string } | undefined;
}

/** The proxy itself. */
export interface FormatProxy {
  /** Variables of its container. */
  readonly environment: Readonly<Record<string, string>>;
  /** How it introduces itself to the control plane. */
  readonly node: Pick<ProxyNode, 'id' | 'cluster' | 'metadata' | 'userAgent'>;
}

export interface FormatConnection {
  readonly id?: number;
  /** Monotonic time at which it was accepted. */
  readonly beganAt?: number;
  /** The same of the beginning and the end of its TLS handshake. */
  readonly handshakeAt?: number | undefined;
  readonly securedAt?: number | undefined;
  readonly direction: TrafficDirection;
  readonly remoteAddress: SocketAddress;
  readonly directAddress?: SocketAddress;
  readonly localAddress: SocketAddress;
  readonly requestedServerName: string;
  readonly tls: TlsFacts | undefined;
  readonly fingerprints?: HelloFingerprints | undefined;
  readonly chain?: { readonly name: string } | undefined;
  readonly listener?:
    | {
        readonly name: string;
        readonly resource?: { readonly traffic_direction?: 'UNSPECIFIED' | 'INBOUND' | 'OUTBOUND' };
      }
    | undefined;
}

/** A value that a command yields; undefined where there is none. */
export type FormatValue = string | number | boolean | object | undefined;

/** One compiled `%COMMAND%`. */
export interface Command {
  (subject: FormatSubject): FormatValue;
  /** What it writes into a text where that is not its value. */
  readonly asText?: Command;
}

/** Reads a command's argument, the text in its parentheses; throws ConfigProblem. */
export type CommandReader = (argument: string, field: string) => Command;

/** Empty text counts as no value. */
export const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

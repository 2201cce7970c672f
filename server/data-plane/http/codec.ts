import type { Clock, HandshakeRecord } from '#domain';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { PeerCertificates } from '../tls/peer-certificates.ts';
import type { ByteMeter } from './byte-meter.ts';
import type { Http2Counter } from './h2/http2-counter.ts';
import type { KeepaliveOptions } from './h2/keepalive.ts';
import type { HeadLimit } from './head-limit.ts';
import type { Headers } from './headers.ts';

/**
 * The seam between the wire and the proxy: a codec (HTTP/1.1 today, HTTP/2 beside it later) turns bytes into these calls and back.
 * Plain callbacks instead of Node streams: that is where the speed comes from. All calls happen on one thread, in order.
 */
export interface RequestHead {
  method: string;
  /** Path with query, as sent. */
  path: string;
  /** Host header or :authority. */
  authority: string;
  scheme: 'http' | 'https';
  protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  /**
   * Without Host and without hop-by-hop headers; the codec writes its own framing headers. `content-length` stays and frames the message
   * again, so who changes a body removes it. `upgrade` stays when the request asks to leave HTTP: what follows is then a byte stream.
   */
  headers: Headers;
  /** Why it is to be answered before anything else looks at it, although the codec could read it. */
  refusal?: { readonly status: number; readonly details: string };
}

export interface ResponseHead {
  status: number;
  headers: Headers;
}

/** Why a stream ended early, in Envoy's words (StreamInfo, response code details). */
export type ResetReason =
  | 'remote_connection_failure'
  | 'connection_timeout'
  | 'connection_termination'
  | 'remote_reset'
  /** The peer did not look at the request at all: it may be sent again. */
  | 'remote_refused_stream_reset'
  /** The host's side of a tunnel has failed (RFC 9113 §8.5). */
  | 'remote_connect_error'
  | 'local_reset'
  | 'overflow'
  | 'protocol_error';

/** Receives a body: data*, then end once, or reset once at any point. Nothing follows end or reset. */
export interface BodySink {
  /** How long what is left of an answer may wait for the windows of an HTTP/2 client, in milliseconds; 0 or absent: for ever. */
  readonly flushTimeoutMs?: number;
  data(chunk: Buffer): void;
  end(trailers: Headers | undefined): void;
  /** `answer`: what the codec has told the client in place of an answer of its own. */
  reset(
    reason: ResetReason,
    detail: string,
    answer?: { readonly head: ResponseHead; readonly bodyBytes: number },
  ): void;
}

/** Receives a response: informational*, head once, then the body. */
export interface ResponseSink extends BodySink {
  informational(head: ResponseHead): void;
  /** `endStream`: the response is complete with its head; neither `data` nor `end` follows. */
  head(head: ResponseHead, endStream: boolean): void;
  /** The writer may go on after `sendData` returned false. */
  drain(): void;
}

/** One request from a client. The codec hands it to `onRequest`, which must set a sink by `receive` before it returns. */
export interface DownstreamStream {
  readonly head: RequestHead;
  /**
   * False: the request has no body; `end` is called on the sink as soon as `onRequest` has returned, unless the answer is
   * already complete by then.
   */
  readonly hasBody: boolean;
  /** Where bytes are counted (`metered`). */
  readonly meter?: ByteMeter | undefined;
  /** CONNECT or an Upgrade: what follows the head is a stream of bytes. */
  readonly tunnel: boolean;
  receive(sink: BodySink & { drain(): void }): void;
  /** Stops and restarts reading the request body (back-pressure to the client). */
  pause(): void;
  resume(): void;
  sendInformational(head: ResponseHead): void;
  sendHead(head: ResponseHead, endStream: boolean): void;
  /** False: buffered beyond the high-water mark; wait for `drain` on the sink. */
  sendData(chunk: Buffer): boolean;
  sendEnd(trailers?: Headers): void;
  /** HTTP/1: the connection ends with this answer. */
  closeAfter(): void;
  /** Cuts the connection (HTTP/1) or the stream (HTTP/2). */
  reset(reason: ResetReason): void;
}

/** One request to an upstream host, on a connection that the pool chose. */
export interface UpstreamStream {
  /** Local address of the connection, `ip:port`, for %UPSTREAM_LOCAL_ADDRESS%. */
  readonly localAddress: string;
  /** What the connection speaks, for %UPSTREAM_PROTOCOL%; empty where a tunnel ends in it. */
  readonly protocol: 'HTTP/1.1' | 'HTTP/2' | '';
  /** TLS facts of the connection; undefined on plaintext. */
  readonly tls: TlsFacts | undefined;
  /** The connection has carried an earlier request: a peer may have closed it just before this one arrived. */
  readonly reused: boolean;
  /** Bytes of the response that have arrived, head and 1xx included; 0 tells that the peer never said anything. */
  readonly responseBytes: number;
  /** The head has been handed to the socket; false means that the peer cannot have seen this request. */
  readonly requestStarted: boolean;
  /** Counts what it carries, where it is set before the head is sent. */
  meter: ByteMeter | undefined;
  sendHead(head: RequestHead, endStream: boolean): void;
  sendData(chunk: Buffer): boolean;
  sendEnd(trailers?: Headers): void;
  pause(): void;
  resume(): void;
  reset(reason: ResetReason): void;
}

/** A connection to a host, as formats speak of it. Times are monotonic, in milliseconds. */
export interface UpstreamConnection {
  readonly id: number;
  readonly begunAt: number;
  readonly connectedAt: number;
  /** The end of its TLS handshake, where it had one. */
  readonly securedAt: number | undefined;
}

/** What a handshake showed. */
export interface TlsFacts {
  readonly version: string;
  readonly certificates?: () => PeerCertificates;
  /** OpenSSL's name. */
  readonly cipher: string;
  readonly alpn: string;
  readonly sni: string;
  /** First URI SAN of the peer's certificate, empty when it showed none. */
  readonly peerSpiffeId: string;
  /** Lower-case hex SHA-256 of the peer's certificate (DER). */
  readonly peerCertificateHash: string;
  readonly peerSubject: string;
  /** The group of the key exchange; empty or absent: not known. */
  readonly group?: string;
  /** Hex; empty or absent: the protocol has none. */
  readonly sessionId?: string;
  readonly handshake?: HandshakeRecord;
  /** An earlier session was taken up. */
  readonly resumed?: boolean;
}

/** A request that the codec refused before anybody saw it, or in the middle of its body, in Envoy's words. */
export interface CodecError {
  /** 400, 408, 426, 431 or 501; 0 where HTTP/2 ends the stream or the connection without an answer. */
  readonly status: number;
  /** %RESPONSE_CODE_DETAILS%: `http1.codec_error`, `http1.headers_too_large`, `low_version` … */
  readonly details: string;
  /** For the learner: what was wrong with the bytes. */
  readonly explanation: string;
  /** False: a response had begun, so that nothing could be answered. */
  readonly answered: boolean;
  /** Absent: nothing was answered. */
  readonly answer?: ResponseHead | undefined;
  /** Bytes of the answer's body. */
  readonly bodyBytes: number;
  /**
   * A request had begun whose head was not handed over: Envoy has a stream for it, and so a line in the log. Bytes between requests leave
   * no line; what breaks off a request that was handed over is told to its sink.
   */
  readonly begun: boolean;
  /** What the line of the log says; `none`: nothing, because nobody broke a rule. Default DPE. */
  readonly flag?: 'DPE' | 'DR' | 'DC' | 'SI' | 'none';
  /** What it moves besides `downstream_cx_protocol_error`; `none`: not even that. */
  readonly figure?: 'downstream_rq_too_many_premature_resets' | 'none';
}

/** One connection from a client. */
export interface DownstreamConnection {
  /** `ip:port`. */
  readonly remoteAddress: string;
  /** `ip:port`. */
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  /** Requests whose head was read so far. */
  readonly requestCount: number;
  /** No request is being read or answered. */
  readonly idle: boolean;
  /** The next response carries `connection: close` (HTTP/2: GOAWAY); the connection stays until then or until `close`. */
  drain(): void;
  /** Cuts the connection; an open stream is reset with `connection_termination`. */
  close(): void;
}

/** How to serve one client connection. Only `onRequest` and `clock` are needed. */
export interface ServerConnectionOptions {
  readonly onRequest: (stream: DownstreamStream, connection: DownstreamConnection) => void;
  readonly clock: Clock;
  /** Facts of the handshake when the socket is a TLS socket; sets the scheme. */
  readonly tls?: TlsFacts | undefined;
  /** Called once for a message that breaks the protocol; the codec has answered and closes. For the access log. */
  readonly onProtocolError?: ((error: CodecError, connection: DownstreamConnection) => void) | undefined;
  readonly onClose?: ((connection: DownstreamConnection) => void) | undefined;
  /** Nothing was asked on it for too long; `onClose` follows. */
  readonly onIdleTimeout?: (() => void) | undefined;
  /** The client has not closed in time a connection that was over; `onClose` follows. */
  readonly onDelayedClose?: (() => void) | undefined;
  /** `server` header of answers that the codec gives itself; absent: none. */
  readonly serverName?: string | undefined;
  /** HTTP/1.1: header names keep their capitals on their way to a host. Default false. */
  readonly keepsSpelling?: boolean | undefined;
  /** Default false: HTTP/1.0 is answered 426. */
  readonly acceptHttp10?: boolean | undefined;
  /** URLs in request lines are handed on as they are. */
  readonly refusesUrls?: boolean | undefined;
  /** The host of requests of HTTP/1.0 that name none; absent: they are refused. */
  readonly defaultHost?: string | undefined;
  /** Bytes of request line and headers; default 60 KiB, beyond it 431. */
  readonly maxHeadBytes?: number | undefined;
  /** Number of header lines; default 100, beyond it 431. */
  readonly maxHeaders?: number | undefined;
  /** Default: a head may take for ever. */
  readonly headLimit?: HeadLimit | undefined;
  /** The connection has begun to speak; may be called again. */
  readonly onSpoken?: ((protocol: DownstreamConnection['protocol']) => void) | undefined;
  /** Without a request. Default 3,600,000; 0 means never. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long a client may still ask on a connection that was idle for too long, or after it was told to stop (HTTP/2). Default 5000. */
  readonly drainTimeoutMs?: number | undefined;
  /** How long a connection that is over waits for the client to close. Default 1000; 0: HTTP/1.1 closes at once. */
  readonly delayedCloseMs?: number | undefined;
  /** What was read from the socket already. */
  readonly firstBytes?: Buffer | undefined;
  /** HTTP/2: requests that a client may have under way; default 1024. */
  readonly maxConcurrentStreams?: number | undefined;
  /** HTTP/2: PINGs; a client that does not answer one in time is gone. Default none. */
  readonly keepalive?: KeepaliveOptions | undefined;
  /** HTTP/2: extended CONNECT (RFC 8441) is taken. Default false. */
  readonly extendedConnect?: boolean | undefined;
  readonly http2Counter?: Http2Counter | undefined;
  /** Bytes of requests and answers are counted. Default false. */
  readonly metered?: boolean | undefined;
  /** HTTP/2 that carries requests of HTTP/1.1 between two sidecars of this project: they count as such. */
  readonly carriage?: boolean | undefined;
}

/** Asks a host's pool for a stream. Exactly one of `ready` and `failed` is called, perhaps before `newStream` returns. */
export interface StreamWaiter {
  ready(stream: UpstreamStream, connection?: UpstreamConnection): void;
  /** `detail` is Envoy's transport failure reason, e.g. `delayed connect error: Connection refused`. */
  failed(reason: ResetReason, detail: string, handshake?: HandshakeRecord): void;
}

/** What of a request may decide which connections it takes. */
export type PooledRequest = Pick<RequestHead, 'protocol' | 'authority'> & {
  /** Told only where the cluster follows it. */
  readonly client?: ConnectionContext | undefined;
  /** The number of the client's connection. */
  readonly connection?: number;
};

/** The connections to one host of one cluster. */
export interface HostPool {
  /** Returns a function that gives up waiting. `request`: where the pool follows its client's protocol, or the host that it names. */
  newStream(sink: ResponseSink, waiter: StreamWaiter, request?: PooledRequest): () => void;
  readonly activeConnections: number;
  readonly activeStreams: number;
  readonly pendingStreams: number;
  /** What its connections, those being made included, can take besides what they carry. */
  readonly freeStreams: number;
  /**
   * Makes a connection for a stream that is probably to come, unless what there is will do for `ratio` times all streams. Whether one is being
   * made now.
   */
  preconnect(ratio: number, request?: PooledRequest): boolean;
  /** Lets current streams end, closes idle connections, opens no more. */
  drain(): void;
  /** Lets current streams end and closes idle connections; later streams get new ones. */
  renew(): void;
  close(): void;
}

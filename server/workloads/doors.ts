import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureVersion } from 'node:tls';
import type { Clock, Random, SocketAddress } from '#domain';

export interface ClientTls {
  /** PEM; absent: nothing is trusted, because no public CA signs what a sandbox serves. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** True: any certificate will do. */
  readonly insecure?: boolean;
  /** SNI, and the name that the certificate must have; absent: the URL's host. */
  readonly serverName?: string;
  /** Protocols to offer in place of the usual one. */
  readonly alpn?: readonly string[];
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
}

export interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Lines beside these, also of the same names. */
  readonly moreHeaders?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Buffer;
  /** The application's own limit; on expiry the connection is closed and fetch rejects with a TimeoutError. */
  readonly timeoutMs?: number;
  /** How long a connection may take to be made, its TLS included; then fetch rejects with a ConnectTimeoutError. */
  readonly connectTimeoutMs?: number;
  /** For https: what the client trusts and shows. */
  readonly tls?: ClientTls;
  /** HTTP/2: over https where the server agrees, else without a word before it. Absent: HTTP/1.1. */
  readonly http2?: boolean;
  /** The request says HTTP/1.0. */
  readonly http10?: boolean;
  /** Who is asked in the place of the URL's host. */
  readonly proxy?: ClientProxy;
  /** The request's target as it stands, for a client that tidies no paths; absent: that of the URL. */
  readonly target?: string;
  /** HTTP/1.1: does not say that the connection ends with the answer. It ends all the same. */
  readonly persistent?: boolean;
  readonly signal?: AbortSignal;
}

/** An HTTP proxy that a client was told of. */
export interface ClientProxy {
  readonly host: string;
  readonly port: number;
  /** For the proxy alone. */
  readonly headers: Readonly<Record<string, string>>;
  /** CONNECT for http, too; https always goes so. */
  readonly tunnel: boolean;
}

export interface FetchResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The head as it came: its version and reason, each line of its headers. */
  readonly head?: {
    readonly version: string;
    readonly reason: string;
    readonly lines: readonly (readonly [name: string, value: string])[];
  };
  /** From which address it was asked for. */
  readonly localAddress?: string;
  readonly localPort?: number;
  /** Which address it was sent to, by a proxy the proxy's: what a name stood for. */
  readonly destination?: SocketAddress;
  /** When the connection was there, when its TLS was, and when the head of the answer came: milliseconds since the call. */
  readonly times?: { readonly connectedMs: number; readonly securedMs?: number; readonly answeredMs: number };
  /** Of an https answer: the names in the certificate that the server showed, as `DNS:shop.example`. */
  readonly serverNames?: readonly string[];
  /** Of an https answer: what was agreed on, and what the server showed. */
  readonly tls?: AgreedTls;
}

/** A TLS connection as its client sees it. */
export interface AgreedTls {
  readonly version: string;
  readonly cipher: string;
  /** Of the key exchange, by OpenSSL's short name; undefined where Node does not tell. */
  readonly group: string | undefined;
  /** Empty: none. */
  readonly alpn: string;
  readonly certificate: X509Certificate;
  /** Why the certificate would be refused, by Node's word; undefined for a good one. */
  readonly problem: string | undefined;
}

/** One address of a pod alone: 127.0.0.1, or the pod's own. */
export type BindAddress = 'loopback' | 'pod';

/**
 * What a container finds around it. The application resolves names, dials and listens as in any pod and knows nothing of a mesh:
 * whether its connections are captured is the pod's affair.
 */
export interface ContainerContext {
  readonly env: Readonly<Record<string, string>>;
  /** The container's own `command`; empty when the image's is meant. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly pod: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly clock: Clock;
  readonly random: Random;
  /** Binds 0.0.0.0:`port` of the pod. */
  listen(port: number, handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<void>;
  /** Binds `port` of the pod, at 0.0.0.0 or at one address, for anything that speaks TCP. Half-closed connections stay open. */
  listenTcp(port: number, onConnection: (socket: Socket) => void, at?: BindAddress): Promise<void>;
  /** A file of the container: what its volumes hold. Undefined when there is none. */
  readFile(path: string): Buffer | undefined;
  /** The paths of all files below a folder, in order; none when there is no such folder. */
  listFiles(folder: string): readonly string[];
  /** Runs a program of the image, as `kubectl exec` does; its output goes to the log. Resolves with the exit code. */
  run(command: readonly string[]): Promise<number>;
  /** The image's program ends by itself: with this exit code, when it is known. */
  exits(exitCode: Promise<number>): void;
  /** Opens a TCP connection that the program keeps as long as it likes; rejects with the system's error. */
  dial(host: string, port: number): Promise<Socket>;
  /** All addresses of a name, as the cluster's name server answers. */
  addresses(host: string): readonly string[];
  /** The running pods of the cluster, for programs that find by Kubernetes whom to ask. */
  pods?(): readonly PodFound[];
  /** A plain HTTP/1.1 request; no connection is kept. Host names resolve as in the cluster. */
  fetch(url: string, init?: FetchInit): Promise<FetchResponse>;
  /** A line on standard output, as `kubectl logs` shows it. */
  log(line: string): void;
  /** Settings laid over `env` for now by what befalls the program from outside, as an incident does; they change while it runs. */
  strain?(): Readonly<Record<string, string>>;
  /** The xDS client that a gRPC program has inside: follows the target's configuration until the container stops. */
  followXds?(options: { readonly bootstrap: string; readonly target: string }): XdsResolver;
  /** Aborted when the container must stop. */
  readonly signal: AbortSignal;
}

/** A pod as the API server tells of it. */
export interface PodFound {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly ready: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: readonly {
    readonly name: string;
    readonly init: boolean;
    readonly ports: readonly { readonly name: string; readonly number: number }[];
  }[];
}

/** Where a gRPC client's calls go, as a control plane says. */
export interface XdsResolver {
  /** The endpoint for one call; waits for the first configuration, and rejects when there is no route or no endpoint. */
  pick(call: {
    readonly authority: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
  }): Promise<SocketAddress>;
}

/** An image that a pod can run: our own program under the published image's name. */
export interface WorkloadImage {
  /** Last part of the image name without tag: `examples-bookinfo-reviews-v2`. */
  readonly name: string;
  /** Starts the program; resolves when it listens. */
  start(context: ContainerContext): Promise<void>;
  /** Answers `kubectl exec` of a harmless program of the image (none by default); undefined: not found. */
  exec?(command: readonly string[]): { readonly stdout: string; readonly exitCode: number } | undefined;
}

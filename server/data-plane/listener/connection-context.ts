import type { SocketAddress, TrafficDirection } from '#domain';
import type { HeaderField } from '../config/header-fields.ts';
import type { CompiledFilterChain, CompiledListener } from '../config/listener-config.ts';
import type { ConnectionSteps } from '../decisions/connection-steps.ts';
import type { TlsFacts } from '../http/codec.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { HelloFingerprints } from '../tls/hello-fingerprints.ts';

/** A client connection whose listener and filter chain are chosen. Immutable. */
export interface ConnectionContext {
  /** Unique among this process's connections. */
  readonly id: number;
  /** Monotonic time at which it was accepted. */
  readonly beganAt: number;
  /** The same of the beginning and the end of its TLS handshake. */
  readonly handshakeAt?: number | undefined;
  readonly securedAt?: number | undefined;
  readonly direction: TrafficDirection;
  readonly listener: CompiledListener;
  readonly chain: CompiledFilterChain;
  readonly remoteAddress: SocketAddress;
  /** The other end of the socket, where a load balancer named another client. */
  readonly directAddress?: SocketAddress;
  /** Further fields of the header with which a load balancer named the client. */
  readonly headerFields?: readonly HeaderField[] | undefined;
  /** Where the client meant to go: the original destination of a captured connection. */
  readonly localAddress: SocketAddress;
  /** The client dialled the proxy itself: there is no original destination. */
  readonly direct?: boolean;
  readonly requestedServerName: string;
  readonly tls: TlsFacts | undefined;
  /** Of its ClientHello, where the listener takes them. */
  readonly fingerprints?: HelloFingerprints | undefined;
  /** What was decided before the first request; every hop of the connection begins with these. */
  readonly steps: ConnectionSteps;
  /** What the listener's own log tells of the connection, where it writes about connections that filter chains took. */
  readonly info?: StreamInfo;
  /** To be called when the connection is over, with the protocol of its requests. */
  readonly onEnd?: (protocol: string | undefined) => void;
}

/** Where the client meant to go, where that is known: where capture sent it here. */
export const originalDestination = ({ direct, localAddress }: ConnectionContext): SocketAddress | undefined =>
  direct === true ? undefined : localAddress;

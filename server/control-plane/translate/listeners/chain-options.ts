import type { EffectiveTlsMode } from '../../snapshot/peer-authentications.ts';
import type { TrafficKind } from '../../snapshot/protocol.ts';
import { PLAINTEXT_HTTP } from './listener-filters.ts';

/** What one inbound filter chain accepts, and how it reads it. */
export interface ChainOption {
  readonly protocol: 'http' | 'tcp';
  readonly transport: 'tls' | 'raw_buffer';
  readonly alpn?: readonly string[];
  /** Whether the chain ends mTLS. A `tls` chain that does not forwards the client's own TLS unread. */
  readonly terminates: boolean;
}

const MESH_HTTP = ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
const MESH_TCP = ['istio-peer-exchange', 'istio'];
const MESH_ANY = ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'];

const mtls = (protocol: ChainOption['protocol'], alpn?: readonly string[]): ChainOption => ({
  protocol,
  transport: 'tls',
  ...(alpn && { alpn }),
  terminates: true,
});

const plain = (protocol: ChainOption['protocol'], alpn?: readonly string[]): ChainOption => ({
  protocol,
  transport: 'raw_buffer',
  ...(alpn && { alpn }),
  terminates: false,
});

/** The client's own TLS, which this proxy passes on unread. */
const FOREIGN_TLS: ChainOption = { protocol: 'tcp', transport: 'tls', terminates: false };

/**
 * The chains of one port, in Istio's order. PERMISSIVE tells the mesh's mTLS from a client's own TLS by the ALPN names that only
 * sidecars offer; STRICT has no plaintext chain, so plaintext finds none and the connection is closed.
 * Source: filterchain_options.go in istio pilot.
 */
const OPTIONS: Readonly<
  Record<Exclude<TrafficKind, 'none'>, Readonly<Record<EffectiveTlsMode, readonly ChainOption[]>>>
> = {
  http: {
    STRICT: [mtls('http')],
    PERMISSIVE: [mtls('http', MESH_ANY), plain('http')],
    DISABLE: [plain('http')],
  },
  auto: {
    STRICT: [mtls('http', MESH_HTTP), mtls('tcp')],
    PERMISSIVE: [
      mtls('http', MESH_HTTP),
      plain('http', PLAINTEXT_HTTP),
      mtls('tcp', MESH_TCP),
      plain('tcp'),
      FOREIGN_TLS,
    ],
    DISABLE: [plain('http', PLAINTEXT_HTTP), plain('tcp')],
  },
  tcp: {
    STRICT: [mtls('tcp')],
    PERMISSIVE: [mtls('tcp', MESH_ANY), FOREIGN_TLS, plain('tcp')],
    DISABLE: [plain('tcp')],
  },
};

/** The one chain of a port that ends its clients' own TLS. Source: getTLSFilterChainMatchOptions in istio pilot. */
export const ownTls = (kind: TrafficKind): ChainOption => mtls(kind === 'http' ? 'http' : 'tcp');

export const chainOptions = (kind: Exclude<TrafficKind, 'none'>, mode: EffectiveTlsMode): readonly ChainOption[] =>
  OPTIONS[kind][mode];

/**
 * A TLS handshake as one proxy saw it (RFC 8446 §2), kept as it was on the wire: certificates stay DER and PEM, and are read when
 * somebody asks. Keys are not part of it.
 */
export interface HandshakeRecord {
  /** The side that this proxy had. */
  readonly side: 'client' | 'server';
  /** What the ClientHello asked for. */
  readonly offered: HelloOffer;
  /** Absent when it failed; `alpn` is empty for none, and absent where nobody told. */
  readonly agreed?: { readonly version: string; readonly cipher: string; readonly alpn?: string };
  /** What this side showed of itself, leaf first; empty: nothing. */
  readonly ownChainPem: string;
  /** What the peer showed, leaf first, each in DER; empty: nothing. */
  readonly peerChain: readonly Uint8Array[];
  /** The trust bundle that judged the peer; absent: nobody verified it. */
  readonly rootsPem?: string;
  /** In words, the names of which the peer had to prove one; empty: any that the roots vouch for. */
  readonly expected: readonly string[];
  /** Envoy's transport failure reason. */
  readonly failure?: string;
}

export interface HelloOffer {
  /** SNI; empty when there was none. */
  readonly serverName: string;
  readonly alpn: readonly string[];
  /** `TLSv1.3`, newest first. */
  readonly versions: readonly string[];
}

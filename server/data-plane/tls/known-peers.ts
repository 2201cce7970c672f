import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** Peers whose chains are kept for their next handshake. */
const MOST_PEERS = 256;

/** By the fingerprint of their certificates; the one that was seen last stands last. */
const known = new Map<string, X509Certificate>();
/** Servers whose sessions these sockets took up. */
const resumed = new WeakMap<TLSSocket, X509Certificate>();

/** `peer` is who was on the other side when the session began that `socket` is to take up. */
export const takesUp = (socket: TLSSocket, peer: X509Certificate): unknown => resumed.set(socket, peer);

/**
 * The peer's certificate with those above it. A session that is taken up again brings the certificate alone: the others are those of the
 * handshake in which it was shown. To a client, Node tells none for a session of TLS 1.3.
 */
export function peerOf(socket: TLSSocket): X509Certificate | undefined {
  const peer = socket.getPeerX509Certificate();
  if (peer === undefined) return socket.isSessionReused() ? resumed.get(socket) : undefined;
  const key = peer.fingerprint256;
  if (socket.isSessionReused()) return known.get(key) ?? peer;
  known.delete(key);
  known.set(key, peer);
  if (known.size > MOST_PEERS) forgetOldest();
  return peer;
}

function forgetOldest(): void {
  for (const oldest of known.keys()) {
    known.delete(oldest);
    return;
  }
}

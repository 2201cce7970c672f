import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** Peers whose chains are kept for their next handshake. */
const MOST_PEERS = 256;

/** By the fingerprint of their certificates; the one that was seen last stands last. */
const known = new Map<string, X509Certificate>();

/**
 * The peer's certificate with those above it. A session that is taken up again brings the certificate alone: the others are those of the
 * handshake in which it was shown.
 */
export function peerOf(socket: TLSSocket): X509Certificate | undefined {
  const peer = socket.getPeerX509Certificate();
  if (peer === undefined) return undefined;
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

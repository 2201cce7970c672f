import type { TLSSocket } from 'node:tls';

/** What OpenSSL calls otherwise than Envoy's library. */
const GROUP_NAMES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

/** The group of a handshake, as Envoy names it; empty: Node tells it to clients alone. */
export function groupOf(socket: TLSSocket): string {
  const { name = '' } = (socket.getEphemeralKeyInfo() ?? {}) as { readonly name?: string };
  return GROUP_NAMES[name] ?? name;
}

/** How a session of TLS 1.2 is written: SSL_SESSION's own version, that of TLS, and the first bytes of the cipher. */
const SESSION_1_2 = Buffer.from([0x02, 0x01, 0x01, 0x02, 0x02, 0x03, 0x03, 0x04, 0x02]);
const CIPHER_BYTES = 2;
const OCTETS = 0x04;

/** The session's id in hex; empty where the protocol has none: TLS 1.3, and a server that gives out tickets. */
export function sessionIdOf(socket: TLSSocket): string {
  if (socket.getProtocol() !== 'TLSv1.2') return '';
  const session = socket.getSession();
  const found = session?.indexOf(SESSION_1_2) ?? -1;
  if (session === undefined || found < 0) return '';
  const at = found + SESSION_1_2.length + CIPHER_BYTES;
  if (session[at] !== OCTETS) return '';
  return session.toString('hex', at + 2, at + 2 + session[at + 1]!);
}

import type { TLSSocket } from 'node:tls';
import type { HandshakeRecord } from '#domain';
import type { TlsFacts } from '../http/codec.ts';
import { peerOf } from './known-peers.ts';
import { groupOf, sessionIdOf } from './session-facts.ts';
import { parseSubjectAltNames } from './subject-alt-names.ts';

/** What one side knows of a handshake before it begins. */
export type Intent = Pick<HandshakeRecord, 'side' | 'offered' | 'ownChainPem' | 'rootsPem' | 'expected'>;

/** A chain is longer than this only by an attack. */
const MOST_CERTIFICATES = 8;

/** The record of a handshake that ended, well or, with a reason, not. */
export function readHandshake(socket: TLSSocket, intent: Intent, failure?: string): HandshakeRecord {
  const shown = { ...intent, peerChain: peerChainOf(socket) };
  return failure === undefined ? { ...shown, agreed: agreedOf(socket) } : { ...shown, failure };
}

function agreedOf(socket: TLSSocket): { version: string; cipher: string; alpn: string } {
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
  };
}

/** What the peer has shown, leaf first, DER. */
export function peerChainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next = peerOf(socket);
  while (next !== undefined && chain.length < MOST_CERTIFICATES) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}

/** Reads what a finished handshake showed. */
export function readTlsFacts(socket: TLSSocket, sni: string, intent: Intent): TlsFacts {
  const peer = peerOf(socket);
  const local = socket.getX509Certificate();
  const names = parseSubjectAltNames(peer?.subjectAltName);
  return {
    ...agreedOf(socket),
    cipher: socket.getCipher().name,
    ...(socket.isSessionReused() && { resumed: true }),
    sni,
    peerSpiffeId: names.uris[0] ?? '',
    peerCertificateHash: peer?.fingerprint256.replaceAll(':', '').toLowerCase() ?? '',
    peerSubject: subjectText(peer?.subject),
    group: groupOf(socket),
    sessionId: sessionIdOf(socket),
    certificates: () => ({ peer, local }),
    handshake: readHandshake(socket, intent),
  };
}

/**
 * Node lists one name a line, the outermost first, and parts of one name between plus signs; Envoy writes RFC 2253, in ASCII: `CN=x,O=y`,
 * `ST=B\C3\A4r`. Both escape what delimits.
 */
export function subjectText(subject: string | undefined): string {
  const names = (subject ?? '').split('\n').map((name) => name.split(' + ').reverse().join('+'));
  return names
    .reverse()
    .join(',')
    .replaceAll(/[^\0-\x7f]+/g, escapedBytes);
}

const escapedBytes = (letters: string): string =>
  Array.from(Buffer.from(letters, 'utf8'), (byte) => `\\${byte.toString(16).toUpperCase()}`).join('');

import type { TLSSocket } from 'node:tls';
import type { TlsFacts } from '../http/codec.ts';
import { parseSubjectAltNames } from './subject-alt-names.ts';

/** Reads what a finished handshake showed. */
export function readTlsFacts(socket: TLSSocket, sni: string): TlsFacts {
  const peer = socket.getPeerX509Certificate();
  const local = socket.getX509Certificate();
  const names = parseSubjectAltNames(peer?.subjectAltName);
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
    sni,
    peerSpiffeId: names.uris[0] ?? '',
    peerCertificateHash: peer?.fingerprint256.replaceAll(':', '').toLowerCase() ?? '',
    peerSubject: subjectText(peer?.subject),
    certificates: () => ({ peer, local }),
  };
}

/** Node lists one attribute a line, the outermost first; Envoy writes RFC 2253: `CN=x,O=y`. */
export function subjectText(subject: string | undefined): string {
  return (subject ?? '').split('\n').reverse().join(',');
}

import type { X509Certificate } from 'node:crypto';
import type { TlsFacts } from '../http/codec.ts';
import { parseSubjectAltNames } from './subject-alt-names.ts';
import { subjectText } from './tls-facts.ts';

/** Both ends' certificates of one connection. */
export interface PeerCertificates {
  readonly peer: X509Certificate | undefined;
  /** What this side has shown. */
  readonly local: X509Certificate | undefined;
}

/** Every certificate that the peer has shown, its own first. */
export function certificateChain(found: X509Certificate): X509Certificate[] {
  const all: X509Certificate[] = [];
  for (let each: X509Certificate | undefined = found; each !== undefined; each = each.issuerCertificate) all.push(each);
  return all;
}

/** As PEM text in which no character means anything to a header. */
export const urlEncodedPem = (certificates: readonly X509Certificate[]): string =>
  encodeURIComponent(certificates.map(String).join('')).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Whom a certificate is of: its first URI name, else its first DNS name, else its subject. Source: setAttrContextPeer in Envoy. */
export function principalOf(certificate: X509Certificate | undefined): string {
  const { uris, dns } = parseSubjectAltNames(certificate?.subjectAltName);
  return uris[0] ?? dns[0] ?? subjectText(certificate?.subject);
}

/** Whom authorizers are told that both ends of a connection are; `own` where the proxy's certificate is not known. */
export function principalsOf(tls: TlsFacts | undefined, own: string): { peer: string; local: string } {
  if (tls?.certificates === undefined) return { peer: tls?.peerSpiffeId ?? '', local: tls === undefined ? '' : own };
  const { peer, local } = tls.certificates();
  return { peer: principalOf(peer), local: principalOf(local) };
}

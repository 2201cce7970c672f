import { X509Certificate } from 'node:crypto';
import type { Certificate, TlsCredentials } from './credentials.ts';
import { coversName, parseSubjectAltNames, type SubjectAltNames } from './subject-alt-names.ts';

/** What of a certificate decides whether a client gets it. */
interface Traits {
  readonly names: SubjectAltNames;
  /** `rsa`, `ec` … */
  readonly keyType: string;
}

const traits = new WeakMap<Certificate, Traits>();

function traitsOf(certificate: Certificate): Traits {
  let known = traits.get(certificate);
  if (known === undefined) {
    const leaf = new X509Certificate(certificate.chainPem);
    known = { names: parseSubjectAltNames(leaf.subjectAltName), keyType: leaf.publicKey.asymmetricKeyType ?? '' };
    traits.set(certificate, known);
  }
  return known;
}

/**
 * The credentials with those certificates that a client may be shown: with SNI the ones that have the name, else the first; without SNI
 * all of them. Of one kind of key the first counts; between kinds OpenSSL chooses by the client's signature algorithms. Source:
 * DefaultTlsCertificateSelector in Envoy.
 */
export function chooseCertificates(credentials: TlsCredentials, serverName: string): TlsCredentials {
  const { certificate, further = [] } = credentials;
  if (certificate === undefined || further.length === 0) return credentials;
  const all = [certificate, ...further];
  const fitting = serverName === '' ? all : all.filter((each) => coversName(traitsOf(each).names, serverName));
  const byKey = new Map<string, Certificate>();
  for (const each of fitting) {
    const { keyType } = traitsOf(each);
    if (!byKey.has(keyType)) byKey.set(keyType, each);
  }
  const [first = certificate, ...others] = byKey.values();
  return { ...credentials, certificate: first, further: others };
}

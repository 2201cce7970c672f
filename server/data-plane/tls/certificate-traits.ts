import { X509Certificate } from 'node:crypto';
import type { Certificate } from './credentials.ts';
import { parseSubjectAltNames, type SubjectAltNames } from './subject-alt-names.ts';

/** What of a certificate decides whether a client gets it, and how it signs. */
interface Traits {
  readonly names: SubjectAltNames;
  /** `rsa`, `ec` … */
  readonly keyType: string;
  /** OpenSSL's name of an elliptic curve. */
  readonly curve: string;
}

const traits = new WeakMap<Certificate, Traits>();

/** Throws OpenSSL's error for what is no certificate. */
export function traitsOf(certificate: Certificate): Traits {
  let known = traits.get(certificate);
  if (known === undefined) {
    const { publicKey, subjectAltName } = new X509Certificate(certificate.chainPem);
    const { asymmetricKeyType: keyType = '', asymmetricKeyDetails: details } = publicKey;
    known = { names: parseSubjectAltNames(subjectAltName), keyType, curve: details?.namedCurve ?? '' };
    traits.set(certificate, known);
  }
  return known;
}

import { caOf, purposesOf } from './extensions.ts';
import type { Certificate } from './objects.ts';

/** Something that is wrong with a chain: OpenSSL's number for it, its text, and the certificate's place above the leaf. */
export interface ChainError {
  readonly number: number;
  readonly depth: number;
  readonly certificate: Certificate;
}

/** OpenSSL's texts for the numbers of x509_vfy.h that are found here. */
export const VERIFY_TEXTS: Readonly<Record<number, string>> = {
  0: 'ok',
  2: 'unable to get issuer certificate',
  7: 'certificate signature failure',
  9: 'certificate is not yet valid',
  10: 'certificate has expired',
  18: 'self-signed certificate',
  19: 'self-signed certificate in certificate chain',
  20: 'unable to get local issuer certificate',
  21: 'unable to verify the first certificate',
  23: 'certificate revoked',
  24: 'invalid CA certificate',
  25: 'path length constraint exceeded',
  26: 'unsuitable certificate purpose',
  62: 'hostname mismatch',
  64: 'IP address mismatch',
  79: 'invalid CA certificate',
};

export interface ChainOptions {
  readonly trusted: readonly Certificate[];
  readonly untrusted: readonly Certificate[];
  readonly nowMs: number;
  readonly hostname?: string | undefined;
  readonly ip?: string | undefined;
  readonly purpose?: 'sslserver' | 'sslclient' | undefined;
  readonly partialChain?: boolean;
}

export interface Chain {
  /** Leaf first. */
  readonly path: readonly Certificate[];
  /** In the order in which OpenSSL finds them. */
  readonly errors: readonly ChainError[];
}

const MAX_DEPTH = 20;

const isIssuer = (issuer: Certificate, subject: Certificate): boolean => subject.x509.checkIssued(issuer.x509);
const selfSigned = (certificate: Certificate): boolean =>
  isIssuer(certificate, certificate) && certificate.subject.equals(certificate.issuer);
const same = (a: Certificate, b: Certificate): boolean => a.raw.equals(b.raw);

/** Builds the path from a leaf to a root and judges it, as X509_verify_cert does: the path, then its extensions, names, signatures and times. */
export function judgeChain(leaf: Certificate, options: ChainOptions): Chain {
  const path = [leaf];
  const { trusted, untrusted } = options;
  const isTrusted = (certificate: Certificate): boolean => trusted.some((each) => same(each, certificate));
  const anchors = (certificate: Certificate): boolean =>
    isTrusted(certificate) && (selfSigned(certificate) || options.partialChain === true);
  const errors: ChainError[] = [];
  for (let at = leaf; !anchors(at); ) {
    const others = (list: readonly Certificate[]): Certificate | undefined =>
      list.find((each) => !path.some((known) => same(known, each)) && isIssuer(each, at));
    const next = path.length > MAX_DEPTH || selfSigned(at) ? undefined : (others(trusted) ?? others(untrusted));
    if (next === undefined) {
      const number = selfSigned(at) ? (path.length === 1 ? 18 : 19) : isTrusted(at) ? 2 : 20;
      errors.push({ number, depth: path.length - 1, certificate: at });
      break;
    }
    path.push(next);
    at = next;
  }
  errors.push(
    ...extensionErrors(path, options),
    ...nameErrors(leaf, options),
    ...signatureErrors(path),
    ...timeErrors(path, options.nowMs),
  );
  return { path, errors };
}

function extensionErrors(path: readonly Certificate[], { purpose }: ChainOptions): ChainError[] {
  return path.flatMap((certificate, depth): ChainError[] => {
    const error = (number: number): ChainError[] => [{ number, depth, certificate }];
    if (depth === 0) return serves(certificate, purpose) ? [] : error(26);
    const { ca, pathLength, mayNotSign } = caOf(certificate.extensions);
    // A certificate of version 1 that signed itself counts as a CA.
    if (!ca && !(certificate.version === 1 && selfSigned(certificate))) return error(79);
    if (mayNotSign) return error(79);
    return pathLength !== undefined && depth - 1 > pathLength ? error(25) : [];
  });
}

function serves({ extensions }: Certificate, purpose: ChainOptions['purpose']): boolean {
  const allowed = purposesOf(extensions);
  if (purpose === undefined || allowed === undefined) return true;
  return allowed.includes(purpose === 'sslserver' ? 'serverAuth' : 'clientAuth');
}

function nameErrors(leaf: Certificate, { hostname, ip }: ChainOptions): ChainError[] {
  const wrong = (number: number): ChainError => ({ number, depth: 0, certificate: leaf });
  return [
    ...(hostname !== undefined && leaf.x509.checkHost(hostname) === undefined ? [wrong(62)] : []),
    ...(ip !== undefined && leaf.x509.checkIP(ip) === undefined ? [wrong(64)] : []),
  ];
}

const signatureErrors = (path: readonly Certificate[]): ChainError[] =>
  path.flatMap((certificate, depth) => {
    const issuer = path[depth + 1];
    return issuer === undefined || certificate.x509.verify(issuer.x509.publicKey)
      ? []
      : [{ number: 7, depth, certificate }];
  });

/** From the root down, as OpenSSL checks them. */
const timeErrors = (path: readonly Certificate[], nowMs: number): ChainError[] =>
  path
    .map((certificate, depth) => ({ certificate, depth }))
    .toReversed()
    .flatMap(({ certificate, depth }) => {
      if (certificate.notBeforeMs > nowMs) return [{ number: 9, depth, certificate }];
      return certificate.notAfterMs < nowMs ? [{ number: 10, depth, certificate }] : [];
    });

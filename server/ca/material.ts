import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { errorMessage, MeshworkError } from '#domain';
import {
  distinguishedName,
  issueAuthority,
  keyIdentifier,
  readSubject,
  type Signer,
  spkiOf,
  type Validity,
} from './certificate.ts';
import { splitPem } from './der.ts';
import type { AuthorityMaterial } from './doors.ts';
import { withoutList } from './revocation.ts';

const DAY_MS = 24 * 3600_000;
const ROOT_TTL_MS = 3650 * DAY_MS;
const INTERMEDIATE_TTL_MS = 365 * DAY_MS;
/** Tolerated difference between clocks, as istiod grants it. */
export const CLOCK_SKEW_MS = 2 * 60_000;

/** Material that was read and found fit to sign with. */
export interface SigningMaterial {
  readonly issuer: Signer;
  /** What a workload shows above its own certificate, one PEM each. */
  readonly chainPem: readonly string[];
  /** The trust bundle, one PEM each. */
  readonly rootsPem: readonly string[];
  /** No certificate of this CA may outlive it. */
  readonly notAfterMs: number;
}

/** A new root that signs one intermediate; the root's key is forgotten. */
export function createMaterial(trustDomain: string, nowMs: number): AuthorityMaterial {
  const root = newSigner('Meshwork root CA', trustDomain);
  const intermediate = newSigner('Meshwork intermediate CA', trustDomain);
  const until = (ttlMs: number): Validity => ({ notBeforeMs: nowMs - CLOCK_SKEW_MS, notAfterMs: nowMs + ttlMs });
  const authority = (subject: Signer, ttlMs: number, pathLength: number): string =>
    issueAuthority({ issuer: root, subject, validity: until(ttlMs), pathLength }).pem;
  const caCertPem = authority(intermediate, INTERMEDIATE_TTL_MS, 0);
  return {
    rootCertPem: authority(root, ROOT_TTL_MS, 1),
    caCertPem,
    certChainPem: caCertPem,
    caKeyPem: intermediate.key.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function newSigner(commonName: string, trustDomain: string): Signer {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const spki = spkiOf(key);
  return { name: distinguishedName(trustDomain, commonName), key, spki, keyId: keyIdentifier(spki) };
}

/**
 * Reads the material of a CA, of its own making or plugged in (istio/security/pkg/pki/util/keycertbundle.go, Verify). MeshworkError MW9103
 * with the reason when nobody would believe what it signs.
 */
export function readMaterial(material: AuthorityMaterial, nowMs: number): SigningMaterial {
  const { caCertPem, caKeyPem, rootCertPem } = material;
  const ca = certificate('ca-cert.pem', caCertPem);
  const rootsPem = splitPem('CERTIFICATE', rootCertPem);
  const chainPem = splitPem('CERTIFICATE', material.certChainPem ?? (isSelfSigned(ca) ? '' : caCertPem));
  const key = privateKey(caKeyPem);
  if (!ca.checkPrivateKey(key)) throw unfit('ca-key.pem is not the key of ca-cert.pem');
  if (!ca.ca) throw unfit('ca-cert.pem is no CA certificate');
  if (rootsPem.length === 0) throw unfit('root-cert.pem holds no certificate');
  const roots = rootsPem.map((pem) => certificate('root-cert.pem', pem));
  const chain = chainPem.map((pem) => certificate('cert-chain.pem', pem));
  requirePath(ca, chain, roots, nowMs);
  if (material.crlPem) requireLists(material.crlPem, chain);
  const { name, keyId } = readSubject(ca.raw);
  const issuer = { name, keyId, key, spki: spkiOf(key) };
  return { issuer, chainPem, rootsPem, notAfterMs: ca.validToDate.getTime() };
}

/** The CA's certificate must lead to a root, over those of the chain, and each step must be valid now. */
function requirePath(
  ca: X509Certificate,
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  nowMs: number,
): void {
  let at = ca;
  for (let steps = 0; steps <= chain.length; steps++) {
    if (at.validFromDate.getTime() > nowMs + CLOCK_SKEW_MS || at.validToDate.getTime() < nowMs) {
      throw unfit(`the certificate of ${subjectOf(at)} is valid from ${at.validFrom} to ${at.validTo}`);
    }
    const isRoot = (root: X509Certificate): boolean => root.fingerprint256 === at.fingerprint256 || signed(root, at);
    if (roots.some(isRoot)) return;
    const parent = chain.find((each) => each.fingerprint256 !== at.fingerprint256 && signed(each, at));
    if (parent === undefined) break;
    at = parent;
  }
  throw unfit(`no certificate of root-cert.pem vouches for ca-cert.pem (${subjectOf(at)} is signed by ${at.issuer})`);
}

/** Each CA of the chain needs a list of its own, else proxies would refuse what it signed. */
function requireLists(crlPem: string, chain: readonly X509Certificate[]): void {
  let missing: readonly X509Certificate[];
  try {
    missing = withoutList(crlPem, chain);
  } catch (cause) {
    throw unfit(`failed to parse CRL PEM: ${errorMessage(cause)}`, cause);
  }
  if (missing.length > 0) throw unfit(`missing CRL signed by certificates: [${missing.map(nameOf).join(' ')}]`);
}

/** Parts of a subject as Go writes them, which is how istiod names certificates. */
const NAME_PARTS = ['CN', 'ST', 'L', 'OU', 'O', 'C'];

const nameOf = ({ subject }: X509Certificate): string => {
  const place = (part: string): number => NAME_PARTS.indexOf(part.split('=')[0] ?? '');
  return (subject ?? '')
    .split('\n')
    .sort((a, b) => place(a) - place(b))
    .join(',');
};

const isSelfSigned = (ca: X509Certificate): boolean => signed(ca, ca);

const signed = (issuer: X509Certificate, subject: X509Certificate): boolean =>
  issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);

const subjectOf = ({ subject }: X509Certificate): string => (subject ?? '').replaceAll('\n', ', ');

function certificate(file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unfit(`${file} holds no certificate: ${errorMessage(cause)}`, cause);
  }
}

function privateKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    // What OpenSSL says of a key it cannot read tells nothing of the key.
    throw unfit(`ca-key.pem holds no private key: ${errorMessage(cause)}`, cause);
  }
  if (key.asymmetricKeyType === 'ec' || key.asymmetricKeyType === 'rsa') return key;
  throw unfit(`ca-key.pem holds a key of the type ${key.asymmetricKeyType}; EC and RSA sign here`);
}

const unfit = (reason: string, cause?: unknown): MeshworkError =>
  new MeshworkError('MW9103', `failed to create an istiod CA: ${reason}`, { cause });

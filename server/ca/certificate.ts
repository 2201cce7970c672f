import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  bitString,
  boolean,
  decodeAll,
  defined,
  encode,
  explicit,
  first,
  implicit,
  members,
  octetString,
  oid,
  sequence,
  tags,
  time,
  toPem,
  unsigned,
  utf8,
} from './der.ts';

const SERIAL_BYTES = 16;

const ids = {
  ecdsaWithSha256: oid('1.2.840.10045.4.3.2'),
  rsaWithSha256: oid('1.2.840.113549.1.1.11'),
  commonName: oid('2.5.4.3'),
  organization: oid('2.5.4.10'),
  subjectKeyIdentifier: oid('2.5.29.14'),
  keyUsage: oid('2.5.29.15'),
  subjectAltName: oid('2.5.29.17'),
  basicConstraints: oid('2.5.29.19'),
  authorityKeyIdentifier: oid('2.5.29.35'),
  extendedKeyUsage: oid('2.5.29.37'),
  serverAuth: oid('1.3.6.1.5.5.7.3.1'),
  clientAuth: oid('1.3.6.1.5.5.7.3.2'),
} as const;

/** Who signs: a name, an EC or RSA key, its public half, and the identifier of the key that stands in its certificate. */
export interface Signer {
  readonly name: Buffer;
  readonly key: KeyObject;
  readonly spki: Buffer;
  /** Undefined: its certificate has none, so those that it signs name none. */
  readonly keyId: Buffer | undefined;
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface IssuedCertificate extends Validity {
  readonly pem: string;
  /** Lower-case hex without leading zeros, as openssl prints it in lower case. */
  readonly serialNumber: string;
}

/** `O=…, CN=…` */
export const distinguishedName = (organization: string, commonName: string): Buffer =>
  sequence(attribute(ids.organization, organization), attribute(ids.commonName, commonName));

const attribute = (id: Buffer, value: string): Buffer => encode(tags.set, sequence(id, utf8(value)));

/** The SubjectPublicKeyInfo of a key pair's public half. */
export const spkiOf = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });

/** A CA certificate; `pathLength` is the number of CAs that may stand below it. */
export function issueAuthority(options: {
  readonly issuer: Signer;
  readonly subject: { readonly name: Buffer; readonly spki: Buffer };
  readonly validity: Validity;
  readonly pathLength: number;
}): IssuedCertificate {
  const { issuer, subject, validity, pathLength } = options;
  return issue({ issuer, subject, validity }, [
    extension(ids.basicConstraints, true, sequence(boolean(true), unsigned(Uint8Array.of(pathLength)))),
    extension(ids.keyUsage, true, bitString(Uint8Array.of(0b0000_0110), 1)),
    extension(ids.subjectKeyIdentifier, false, octetString(keyIdentifier(subject.spki))),
    ...authorityKey(issuer),
  ]);
}

/** A workload's X.509-SVID: the empty subject, one URI SAN (critical because the subject is empty), both sides of TLS. */
export function issueSvid(options: {
  readonly issuer: Signer;
  readonly spki: Buffer;
  readonly spiffeId: string;
  readonly validity: Validity;
}): IssuedCertificate {
  const { issuer, spki, spiffeId, validity } = options;
  return issue({ issuer, subject: { name: sequence(), spki }, validity }, [
    extension(ids.keyUsage, true, bitString(Uint8Array.of(0b1010_0000), 5)),
    extension(ids.extendedKeyUsage, false, sequence(ids.serverAuth, ids.clientAuth)),
    extension(ids.basicConstraints, true, sequence()),
    ...authorityKey(issuer),
    extension(ids.subjectAltName, true, sequence(implicit(6, Buffer.from(spiffeId, 'ascii')))),
  ]);
}

/** A server's certificate: TLS of one side only, for host names and IPv4 addresses. */
export function issueServer(options: {
  readonly issuer: Signer;
  readonly subject: { readonly name: Buffer; readonly spki: Buffer };
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
  readonly validity: Validity;
}): IssuedCertificate {
  const { issuer, subject, dnsNames, ips, validity } = options;
  const names = [
    ...dnsNames.map((name) => implicit(2, Buffer.from(name, 'ascii'))),
    ...ips.map((ip) => implicit(7, Uint8Array.from(ip.split('.').map(Number)))),
  ];
  return issue({ issuer, subject, validity }, [
    extension(ids.keyUsage, true, bitString(Uint8Array.of(0b1010_0000), 5)),
    extension(ids.extendedKeyUsage, false, sequence(ids.serverAuth)),
    extension(ids.basicConstraints, true, sequence()),
    ...authorityKey(issuer),
    extension(ids.subjectAltName, false, sequence(...names)),
  ]);
}

interface Contents {
  readonly issuer: Signer;
  readonly subject: { readonly name: Buffer; readonly spki: Buffer };
  readonly validity: Validity;
}

function issue({ issuer, subject, validity }: Contents, extensions: readonly Buffer[]): IssuedCertificate {
  const serial = randomBytes(SERIAL_BYTES);
  // RFC 5280 wants a positive number of at most 20 bytes; a fixed first byte keeps its length the same for all.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const algorithm =
    issuer.key.asymmetricKeyType === 'rsa'
      ? sequence(ids.rsaWithSha256, encode(tags.null))
      : sequence(ids.ecdsaWithSha256);
  const toBeSigned = sequence(
    explicit(0, unsigned(Uint8Array.of(2))),
    unsigned(serial),
    algorithm,
    issuer.name,
    sequence(time(validity.notBeforeMs), time(validity.notAfterMs)),
    subject.name,
    subject.spki,
    explicit(3, sequence(...extensions)),
  );
  const signature = sign('sha256', toBeSigned, issuer.key);
  const pem = toPem('CERTIFICATE', sequence(toBeSigned, algorithm, bitString(signature)));
  return { ...validity, pem, serialNumber: serial.toString('hex') };
}

const extension = (id: Buffer, critical: boolean, value: Uint8Array): Buffer =>
  critical ? sequence(id, boolean(true), octetString(value)) : sequence(id, octetString(value));

const authorityKey = ({ keyId }: Signer): Buffer[] =>
  keyId === undefined ? [] : [extension(ids.authorityKeyIdentifier, false, sequence(implicit(0, keyId)))];

/** RFC 5280 §4.2.1.2 leaves the method open; RFC 7093 method 1: the left 160 bits of SHA-256 of the key. */
export const keyIdentifier = (spki: Buffer): Buffer => createHash('sha256').update(spki).digest().subarray(0, 20);

const CONTEXT_0 = 0xa0;
const CONTEXT_3 = 0xa3;

/** The subject (DER) and the subject key identifier of a certificate. RangeError when the DER is broken. */
export function readSubject(der: Buffer): { readonly name: Buffer; readonly keyId: Buffer | undefined } {
  const [toBeSigned] = members(first(decodeAll(der)));
  const fields = members(defined(toBeSigned)).filter(({ tag }) => tag !== CONTEXT_0);
  const subject = defined(fields[4]);
  const extensions = fields.find(({ tag }) => tag === CONTEXT_3);
  const listed = extensions === undefined ? [] : members(first(members(extensions))).map(members);
  const value = listed.find(([id]) => id?.raw.equals(ids.subjectKeyIdentifier) === true)?.at(-1);
  return { name: subject.raw, keyId: value === undefined ? undefined : first(decodeAll(value.content)).content };
}

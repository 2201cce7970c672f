import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto';
import { der } from '#ca';
import { type Extension, encodeExtension, readExtensions } from './extensions.ts';
import { dotted } from './names.ts';

/** A certificate taken apart (RFC 5280 §4.1). */
export interface Certificate {
  readonly raw: Buffer;
  readonly pem: string;
  readonly version: number;
  readonly serial: Buffer;
  readonly algorithm: string;
  readonly issuer: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly subject: Buffer;
  readonly spki: Buffer;
  readonly extensions: readonly Extension[];
  readonly signature: Buffer;
  readonly x509: X509Certificate;
}

/** A request for a certificate taken apart (RFC 2986 §4). */
export interface Request {
  readonly pem: string;
  readonly subject: Buffer;
  readonly spki: Buffer;
  readonly extensions: readonly Extension[];
  readonly algorithm: string;
  readonly signature: Buffer;
  /** Whether the one who asks holds the key. */
  readonly verified: boolean;
}

const ALGORITHMS: Readonly<Record<string, { readonly name: string; readonly hash: string | null }>> = {
  '1.2.840.10045.4.3.2': { name: 'ecdsa-with-SHA256', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { name: 'ecdsa-with-SHA384', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { name: 'ecdsa-with-SHA512', hash: 'sha512' },
  '1.2.840.113549.1.1.11': { name: 'sha256WithRSAEncryption', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { name: 'sha384WithRSAEncryption', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { name: 'sha512WithRSAEncryption', hash: 'sha512' },
  '1.3.101.112': { name: 'ED25519', hash: null },
};

const algorithmName = (id: string): string => ALGORITHMS[id]?.name ?? id;
const EXTENSIONS_TAG = 0xa3;
const VERSION_TAG = 0xa0;
const ATTRIBUTES_TAG = 0xa0;
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SERIAL_BYTES = 20;

/** Reads one PEM certificate; throws OpenSSL's or a RangeError when it cannot be read. */
export function readCertificate(pem: string): Certificate {
  const x509 = new X509Certificate(pem);
  const { raw } = x509;
  const [toBeSigned, , signature] = der.members(der.first(der.decodeAll(raw)));
  const fields = der.members(der.defined(toBeSigned));
  const version = fields[0]?.tag === VERSION_TAG ? (fields[0].content.at(-1) ?? 0) + 1 : 1;
  const [serial, algorithm, issuer, , subject, spki] = version === 1 ? fields : fields.slice(1);
  const list = fields.find(({ tag }) => tag === EXTENSIONS_TAG);
  return {
    raw,
    pem: der.toPem('CERTIFICATE', raw),
    version,
    serial: der.defined(serial).content,
    algorithm: algorithmName(dotted(der.first(der.members(der.defined(algorithm))).content)),
    issuer: der.defined(issuer).raw,
    notBeforeMs: x509.validFromDate.getTime(),
    notAfterMs: x509.validToDate.getTime(),
    subject: der.defined(subject).raw,
    spki: der.defined(spki).raw,
    extensions: list === undefined ? [] : readExtensions(der.first(der.members(list))),
    signature: der.defined(signature).content.subarray(1),
    x509,
  };
}

/** All certificates of a PEM text; none where one of them cannot be read. */
export function readCertificates(text: string): Certificate[] {
  try {
    return der.splitPem('CERTIFICATE', text).map(readCertificate);
  } catch {
    return [];
  }
}

/** Reads a PEM request; RangeError when it cannot be read. */
export function readRequest(pem: string): Request {
  const raw = der.fromPem('(?:NEW )?CERTIFICATE REQUEST', pem);
  if (raw === undefined) throw new RangeError('no start line: Expecting: CERTIFICATE REQUEST');
  const [info, algorithm, signature] = der.members(der.first(der.decodeAll(raw)));
  const [, subject, spki, attributes] = der.members(der.defined(info));
  const id = dotted(der.first(der.members(der.defined(algorithm))).content);
  const bytes = der.defined(signature).content.subarray(1);
  const key = createPublicKey({ key: der.defined(spki).raw, format: 'der', type: 'spki' });
  return {
    pem: der.toPem('CERTIFICATE REQUEST', raw),
    subject: der.defined(subject).raw,
    spki: der.defined(spki).raw,
    extensions: attributes?.tag === ATTRIBUTES_TAG ? requestedExtensions(attributes) : [],
    algorithm: algorithmName(id),
    signature: bytes,
    verified: verify(ALGORITHMS[id]?.hash ?? 'sha256', der.defined(info).raw, key, bytes),
  };
}

function requestedExtensions(attributes: ReturnType<typeof der.first>): Extension[] {
  return der
    .members(attributes)
    .map(der.members)
    .filter(([id]) => id !== undefined && dotted(id.content) === EXTENSION_REQUEST)
    .flatMap(([, values]) => (values === undefined ? [] : der.members(values).flatMap(readExtensions)));
}

/** The name of the signature that a key makes here: always with SHA-256, or Ed25519. */
function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return der.sequence(der.oid('1.2.840.113549.1.1.11'), der.encode(der.tags.null));
  if (key.asymmetricKeyType === 'ed25519') return der.sequence(der.oid('1.3.101.112'));
  return der.sequence(der.oid('1.2.840.10045.4.3.2'));
}

const signWith = (key: KeyObject, content: Buffer): Buffer =>
  sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', content, key);

export interface CertificateParts {
  readonly serial: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly spki: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Extension[];
  /** The signer's. */
  readonly key: KeyObject;
}

/** Signs a certificate; its PEM. */
export function writeCertificate(parts: CertificateParts): string {
  const algorithm = signatureAlgorithm(parts.key);
  const { extensions } = parts;
  const toBeSigned = der.sequence(
    der.explicit(0, der.unsigned(Uint8Array.of(2))),
    der.unsigned(parts.serial),
    algorithm,
    parts.issuer,
    der.sequence(der.time(parts.notBeforeMs), der.time(parts.notAfterMs)),
    parts.subject,
    parts.spki,
    ...(extensions.length === 0 ? [] : [der.explicit(3, der.sequence(...extensions.map(encodeExtension)))]),
  );
  const signature = der.bitString(signWith(parts.key, toBeSigned));
  return der.toPem('CERTIFICATE', der.sequence(toBeSigned, algorithm, signature));
}

/** Signs a request; its PEM. */
export function writeRequest(subject: Buffer, key: KeyObject, extensions: readonly Extension[]): string {
  const wish = der.sequence(
    der.oid(EXTENSION_REQUEST),
    der.encode(der.tags.set, der.sequence(...extensions.map(encodeExtension))),
  );
  const attributes = der.encode(ATTRIBUTES_TAG, ...(extensions.length === 0 ? [Buffer.alloc(0)] : [wish]));
  const info = der.sequence(der.unsigned(Uint8Array.of(0)), subject, spkiOf(key), attributes);
  const signature = der.bitString(signWith(key, info));
  return der.toPem('CERTIFICATE REQUEST', der.sequence(info, signatureAlgorithm(key), signature));
}

export const spkiOf = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });

/** A positive number of 20 bytes, as openssl draws it. */
export function randomSerial(): Buffer {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

/** Reads an unencrypted PEM key; throws OpenSSL's error when it cannot be read. */
export const readKey = (pem: string): KeyObject => createPrivateKey(pem);

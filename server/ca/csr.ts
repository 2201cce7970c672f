import { createPublicKey, verify } from 'node:crypto';
import { errorMessage } from '#domain';
import { type DerValue, decodeAll, fromPem, members, oid } from './der.ts';
import { SigningRefused } from './refused.ts';

const extensionRequest = oid('1.2.840.113549.1.9.14');
const subjectAltName = oid('2.5.29.17');
const URI_TAG = 0x86;
const ATTRIBUTES_TAG = 0xa0;
const MAX_CSR_LENGTH = 16 * 1024;

/** Hash by signature algorithm: ECDSA and RSA with SHA-2, and Ed25519, which hashes itself. */
const hashes: ReadonlyMap<string, string | null> = new Map<string, string | null>([
  [oid('1.2.840.10045.4.3.2').toString('hex'), 'sha256'],
  [oid('1.2.840.10045.4.3.3').toString('hex'), 'sha384'],
  [oid('1.2.840.113549.1.1.11').toString('hex'), 'sha256'],
  [oid('1.3.101.112').toString('hex'), null],
]);

export interface SigningRequest {
  /** The public key to certify, DER. */
  readonly spki: Buffer;
  /** URI SANs that the request asks for. */
  readonly uris: readonly string[];
}

/** Reads a PKCS#10 request (RFC 2986) and checks that its sender holds the key. SigningRefused (INVALID_ARGUMENT) when it does not. */
export function readSigningRequest(pem: string): SigningRequest {
  const der = pem.length > MAX_CSR_LENGTH ? undefined : fromPem('(?:NEW )?CERTIFICATE REQUEST', pem);
  if (der === undefined) throw new SigningRefused('INVALID_ARGUMENT', 'the CSR is not a PEM certificate request');
  try {
    return parse(der);
  } catch (cause) {
    if (cause instanceof SigningRefused) throw cause;
    throw new SigningRefused('INVALID_ARGUMENT', `the CSR cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

function parse(der: Buffer): SigningRequest {
  const [info, algorithm, signature] = members(first(decodeAll(der)));
  if (info === undefined || algorithm === undefined || signature === undefined)
    throw new RangeError('a part is missing');
  const hash = hashes.get(first(members(algorithm)).raw.toString('hex'));
  if (hash === undefined) throw new RangeError('its signature algorithm is not supported');
  const [, , spki, attributes] = members(info);
  if (spki === undefined) throw new RangeError('it has no public key');
  const key = createPublicKey({ key: spki.raw, format: 'der', type: 'spki' });
  if (!verify(hash, info.raw, key, signature.content.subarray(1))) {
    throw new SigningRefused('INVALID_ARGUMENT', 'the CSR is not signed by the key that it carries');
  }
  return { spki: spki.raw, uris: attributes?.tag === ATTRIBUTES_TAG ? requestedUris(attributes) : [] };
}

function requestedUris(attributes: DerValue): string[] {
  return members(attributes)
    .map(members)
    .filter(([id]) => id?.raw.equals(extensionRequest) === true)
    .flatMap(([, values]) => (values === undefined ? [] : members(values).flatMap(members)))
    .map(members)
    .filter(([id]) => id?.raw.equals(subjectAltName) === true)
    .flatMap((parts) => members(first(decodeAll(parts.at(-1)?.content ?? Buffer.alloc(0)))))
    .filter(({ tag }) => tag === URI_TAG)
    .map(({ content }) => content.toString('latin1'));
}

function first(values: readonly DerValue[]): DerValue {
  const [value] = values;
  if (value === undefined) throw new RangeError('a value is missing');
  return value;
}

import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { errorMessage } from '#domain';
import { type DerValue, decodeAll, first, fromPem, members, oid, tags } from './der.ts';
import { SigningRefused } from './refused.ts';
import { algorithmOf } from './signature-algorithms.ts';

const extensionRequest = oid('1.2.840.113549.1.9.14');
const subjectAltName = oid('2.5.29.17');
/** The kinds of GeneralName (RFC 5280 §4.2.1.6) by their tags; others have no text. */
const NAME_KINDS: ReadonlyMap<number, string> = new Map([
  [0x81, 'email'],
  [0x82, 'DNS'],
  [0x86, 'URI'],
  [0x87, 'IP address'],
]);
const ATTRIBUTES_TAG = 0xa0;
const MAX_CSR_LENGTH = 16 * 1024;
const MIN_RSA_BITS = 2048;
/** Keys beyond it cost seconds to verify. */
const MAX_RSA_BITS = 8192;
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

export interface RequestedName {
  /** `URI`, `DNS`, `IP address`, `email` or `other`. */
  readonly kind: string;
  readonly value: string;
}

export interface SigningRequest {
  /** The public key to certify, DER. */
  readonly spki: Buffer;
  /** Subject alternative names that the request asks for. */
  readonly names: readonly RequestedName[];
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
  const [request, ...trailing] = decodeAll(der);
  if (request?.tag !== tags.sequence || trailing.length > 0) throw new RangeError('it is no single sequence');
  const [info, algorithm, signature, ...rest] = members(request);
  if (info?.tag !== tags.sequence || algorithm?.tag !== tags.sequence || signature?.tag !== tags.bitString)
    throw new RangeError('a part is missing');
  if (rest.length > 0 || signature.content[0] !== 0) throw new RangeError('its signature is no whole number of bytes');
  const scheme = algorithmOf(first(members(algorithm)).raw.toString('hex'));
  if (scheme === undefined) throw new RangeError('its signature algorithm is not supported');
  const [, , spki, attributes] = members(info);
  if (spki === undefined) throw new RangeError('it has no public key');
  const key = createPublicKey({ key: spki.raw, format: 'der', type: 'spki' });
  const weakness = weaknessOf(key);
  if (weakness !== undefined) throw new SigningRefused('INVALID_ARGUMENT', `the key of the CSR ${weakness}`);
  const fits = key.asymmetricKeyType === scheme.keyType;
  if (!fits || !verify(scheme.hash, info.raw, key, signature.content.subarray(1))) {
    throw new SigningRefused('INVALID_ARGUMENT', 'the CSR is not signed by the key that it carries');
  }
  return { spki: spki.raw, names: attributes?.tag === ATTRIBUTES_TAG ? requestedNames(attributes) : [] };
}

function weaknessOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string | undefined {
  if (asymmetricKeyType === 'ed25519') return undefined;
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails;
  if (asymmetricKeyType === 'ec') return CURVES.has(namedCurve) ? undefined : `is on the curve ${namedCurve}`;
  if (asymmetricKeyType !== 'rsa') return `is of the type ${asymmetricKeyType}`;
  if (modulusLength < MIN_RSA_BITS) return `is too short: ${modulusLength} bits, RSA needs ${MIN_RSA_BITS}`;
  return modulusLength > MAX_RSA_BITS ? `is too long: ${modulusLength} bits` : undefined;
}

function requestedNames(attributes: DerValue): RequestedName[] {
  return members(attributes)
    .map(members)
    .filter(([id]) => id?.raw.equals(extensionRequest) === true)
    .flatMap(([, values]) => (values === undefined ? [] : members(values).flatMap(members)))
    .map(members)
    .filter(([id]) => id?.raw.equals(subjectAltName) === true)
    .flatMap((parts) => members(first(decodeAll(parts.at(-1)?.content ?? Buffer.alloc(0)))))
    .map(({ tag, content }) => {
      const kind = NAME_KINDS.get(tag) ?? 'other';
      return { kind, value: kind === 'IP address' ? [...content].join('.') : content.toString('latin1') };
    });
}

import { generateKeyPairSync, sign } from 'node:crypto';

export interface KeyAndRequest {
  readonly keyPem: string;
  readonly csrPem: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const CONTEXT_0 = 0xa0;
const URI_NAME = 0x86;

/** Object identifiers and constants, as DER. */
const VERSION_1 = Buffer.from('020100', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const EXTENSION_REQUEST = Buffer.from('06092a864886f70d01090e', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex');
const CRITICAL = Buffer.from('0101ff', 'hex');

/**
 * A new P-256 key and a certificate signing request (RFC 2986) that asks for `spiffeId` as URI SAN, with an empty subject, as Istio's agent
 * sends it.
 */
export function createKeyAndRequest(spiffeId: string): KeyAndRequest {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const names = der(SEQUENCE, der(URI_NAME, Buffer.from(spiffeId, 'ascii')));
  const extension = der(SEQUENCE, SUBJECT_ALT_NAME, CRITICAL, der(OCTET_STRING, names));
  const attribute = der(SEQUENCE, EXTENSION_REQUEST, der(SET, der(SEQUENCE, extension)));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const info = der(SEQUENCE, VERSION_1, der(SEQUENCE), spki, der(CONTEXT_0, attribute));
  const signature = der(BIT_STRING, Buffer.of(0), sign('sha256', info, privateKey));
  const base64 = der(SEQUENCE, info, der(SEQUENCE, ECDSA_WITH_SHA256), signature).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    csrPem: `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`,
  };
}

/** Tag, length, content; of at most 65,535 bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const head = size < 0x80 ? [tag, size] : size < 0x100 ? [tag, 0x81, size] : [tag, 0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

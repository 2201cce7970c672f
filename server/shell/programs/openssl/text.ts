import { createPublicKey, type KeyObject } from 'node:crypto';
import { der } from '#ca';
import { type Extension, printExtension } from './extensions.ts';
import { printName } from './names.ts';
import type { Certificate, Request } from './objects.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const HEX_A_LINE = 15;
const SIGNATURE_HEX_A_LINE = 18;

/** `Nov 26 06:21:05 2026 GMT`, the day in two columns. */
export function printTime(ms: number): string {
  const at = new Date(ms);
  const clock = at.toISOString().slice(11, 19);
  return `${MONTHS[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)} ${clock} ${at.getUTCFullYear()} GMT`;
}

/** `ab:cd:…` in lines, each after `indent` spaces. */
function hexLines(bytes: Buffer, indent: number, perLine: number): string {
  const pairs = bytes.toString('hex').match(/../g) ?? [];
  const lines: string[] = [];
  for (let at = 0; at < pairs.length; at += perLine) lines.push(pairs.slice(at, at + perLine).join(':'));
  return lines.map((line) => ' '.repeat(indent) + line).join(':\n');
}

const SHOWN_CURVES: Readonly<Record<string, readonly [bits: number, nist: string]>> = {
  prime256v1: [256, 'P-256'],
  secp384r1: [384, 'P-384'],
  secp521r1: [521, 'P-521'],
};

/** The bits of a public key: what the curve or the modulus says. */
export function keyBits(key: KeyObject): number {
  const { modulusLength, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  return modulusLength ?? SHOWN_CURVES[namedCurve]?.[0] ?? 253;
}

/** A public key as `-text` prints it, each line after `indent` spaces. */
export function printPublicKey(spki: Buffer, indent: number): string {
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const [, bits] = der.members(der.first(der.decodeAll(spki)));
  const content = bits?.content.subarray(1) ?? Buffer.alloc(0);
  const pad = ' '.repeat(indent);
  if (key.asymmetricKeyType === 'rsa') {
    const [modulus, exponent] = der.members(der.first(der.decodeAll(content)));
    const power = Number.parseInt(exponent?.content.toString('hex') ?? '0', 16);
    return `${pad}Public-Key: (${keyBits(key)} bit)\n${pad}Modulus:\n${hexLines(modulus?.content ?? Buffer.alloc(0), indent + 4, HEX_A_LINE)}\n${pad}Exponent: ${power} (0x${power.toString(16)})\n`;
  }
  if (key.asymmetricKeyType === 'ed25519')
    return `${pad}ED25519 Public-Key:\n${pad}pub:\n${hexLines(content, indent + 4, HEX_A_LINE)}\n`;
  const { namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const nist = SHOWN_CURVES[namedCurve]?.[1];
  return `${pad}Public-Key: (${keyBits(key)} bit)\n${pad}pub:\n${hexLines(content, indent + 4, HEX_A_LINE)}\n${pad}ASN1 OID: ${namedCurve}\n${nist === undefined ? '' : `${pad}NIST CURVE: ${nist}\n`}`;
}

const KEY_ALGORITHMS: Readonly<Record<string, string>> = {
  rsa: 'rsaEncryption',
  ec: 'id-ecPublicKey',
  ed25519: 'ED25519',
};

/** The name of a public key's algorithm. */
export function keyAlgorithm(spki: Buffer): string {
  const { asymmetricKeyType = '' } = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  return KEY_ALGORITHMS[asymmetricKeyType] ?? asymmetricKeyType;
}

function printKeyInfo(spki: Buffer): string {
  return `        Subject Public Key Info:\n            Public Key Algorithm: ${keyAlgorithm(spki)}\n${printPublicKey(spki, 16)}`;
}

/** Titles and values of extensions, the titles after `indent` spaces. */
export function printExtensions(extensions: readonly Extension[], indent: number): string {
  const pad = ' '.repeat(indent);
  return extensions
    .map(printExtension)
    .map(([title, value]) => `${pad}${title}\n${pad}    ${value}\n`)
    .join('');
}

const printSignature = (algorithm: string, signature: Buffer): string =>
  `    Signature Algorithm: ${algorithm}\n    Signature Value:\n${hexLines(signature, 8, SIGNATURE_HEX_A_LINE)}\n`;

/** `openssl x509 -text`. */
export function printCertificate(certificate: Certificate): string {
  const { version, serial, algorithm, issuer, subject, notBeforeMs, notAfterMs, spki, extensions } = certificate;
  const listed = extensions.length === 0 ? '' : `        X509v3 extensions:\n${printExtensions(extensions, 12)}`;
  return [
    'Certificate:\n    Data:\n',
    `        Version: ${version} (0x${version - 1})\n`,
    printSerial(serial),
    `        Signature Algorithm: ${algorithm}\n`,
    `        Issuer: ${printName(issuer)}\n`,
    `        Validity\n            Not Before: ${printTime(notBeforeMs)}\n            Not After : ${printTime(notAfterMs)}\n`,
    `        Subject: ${printName(subject)}\n`,
    printKeyInfo(spki),
    listed,
    printSignature(algorithm, certificate.signature),
  ].join('');
}

/** A number of at most eight bytes stands on the title's line, in decimal too. */
function printSerial(serial: Buffer): string {
  if (serial.length > 8)
    return `        Serial Number:\n            ${(serial.toString('hex').match(/../g) ?? []).join(':')}\n`;
  const value = BigInt(`0x${serial.toString('hex') || '0'}`);
  return `        Serial Number: ${value} (0x${value.toString(16)})\n`;
}

/** `openssl req -text`. */
export function printRequest({ subject, spki, extensions, algorithm, signature }: Request): string {
  const listed =
    extensions.length === 0
      ? '            (none)\n'
      : `            Requested Extensions:\n${printExtensions(extensions, 16)}`;
  return [
    'Certificate Request:\n    Data:\n        Version: 1 (0x0)\n',
    `        Subject: ${printName(subject)}\n`,
    printKeyInfo(spki),
    `        Attributes:\n${listed}`,
    printSignature(algorithm, signature),
  ].join('');
}

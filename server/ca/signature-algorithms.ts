import { oid } from './der.ts';

/** What a signature algorithm hashes with (null: it hashes itself), and the type of key it is for. */
export interface SignatureScheme {
  readonly keyType: string;
  readonly hash: string | null;
}

/** ECDSA and RSA with SHA-2, and Ed25519. */
const ALGORITHMS: ReadonlyMap<string, SignatureScheme> = new Map([
  [oid('1.2.840.10045.4.3.2').toString('hex'), { keyType: 'ec', hash: 'sha256' }],
  [oid('1.2.840.10045.4.3.3').toString('hex'), { keyType: 'ec', hash: 'sha384' }],
  [oid('1.2.840.10045.4.3.4').toString('hex'), { keyType: 'ec', hash: 'sha512' }],
  [oid('1.2.840.113549.1.1.11').toString('hex'), { keyType: 'rsa', hash: 'sha256' }],
  [oid('1.2.840.113549.1.1.12').toString('hex'), { keyType: 'rsa', hash: 'sha384' }],
  [oid('1.2.840.113549.1.1.13').toString('hex'), { keyType: 'rsa', hash: 'sha512' }],
  [oid('1.3.101.112').toString('hex'), { keyType: 'ed25519', hash: null }],
]);

/** By the DER of its object identifier, in hexadecimal digits; undefined for those that prove nothing here. */
export const algorithmOf = (oidHex: string): SignatureScheme | undefined => ALGORITHMS.get(oidHex);

import { type CryptoKey, compactVerify, errors, importJWK, type JWK } from 'jose';
import type { JwtStatus } from './status.ts';
import type { Token } from './token.ts';

/** One public (or shared) key of a set, imported when first needed. */
interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly type: string;
  readonly curve: string;
  readonly jwk: JWK;
  /** By algorithm, because one RSA key serves several. */
  readonly imported: Map<string, Promise<CryptoKey | Uint8Array | undefined>>;
}

/** The keys of a set that can be used; at least one. */
export type KeySet = readonly Key[];

const MAX_KEYS = 100;

/** The fields without which a key of a type is none. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  oct: ['k'],
  OKP: ['crv', 'x'],
};

/** Reads a JWK set. A set without a usable key is no set: the text says why, in Envoy's words. */
export function parseKeySet(text: string): KeySet | string {
  const given = parse(text);
  if (typeof given !== 'object' || given === null) return 'Jwks is an invalid JSON';
  if (!('keys' in given)) return 'Jwks does not have [keys] field';
  if (!Array.isArray(given.keys)) return '[keys] in Jwks is not an array';
  const keys = given.keys.slice(0, MAX_KEYS).flatMap((jwk: unknown): Key[] => readKey(jwk));
  return keys.length === 0 ? "Jwks doesn't have any valid public key" : keys;
}

function readKey(jwk: unknown): Key[] {
  if (typeof jwk !== 'object' || jwk === null) return [];
  const fields = jwk as Readonly<Record<string, unknown>>;
  const { kid = '', alg = '', kty, crv = '' } = fields;
  const needed = typeof kty === 'string' && Object.hasOwn(NEEDED, kty) ? NEEDED[kty] : undefined;
  if (needed === undefined || !needed.every((name) => typeof fields[name] === 'string')) return [];
  if (typeof kid !== 'string' || typeof alg !== 'string' || typeof crv !== 'string') return [];
  return [{ kid, alg, type: String(kty), curve: crv, jwk: jwk as JWK, imported: new Map() }];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** Length of every Ed25519 signature. */
const ED25519_BYTES = 64;

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519' };

function typeFor(alg: string): string {
  if (alg === 'EdDSA') return 'OKP';
  return alg.startsWith('ES') ? 'EC' : alg.startsWith('HS') ? 'oct' : 'RSA';
}

/**
 * Verifies a token's signature with the keys that its `kid` and `alg` allow. A key that names neither serves any token, but always for
 * its own kind of algorithm: a public key is never taken for a shared secret.
 */
export function verifySignature(token: Token, keys: KeySet): JwtStatus | Promise<JwtStatus> {
  const named = keys.filter(
    ({ kid, alg }) => (token.kid === '' || kid === '' || kid === token.kid) && (alg === '' || alg === token.alg),
  );
  return named.length === 0 ? 'noMatchingKey' : verifyBy(token, named);
}

async function verifyBy(token: Token, keys: KeySet): Promise<JwtStatus> {
  for (const key of keys) {
    // As in Envoy, such a key ends the search for any signature that it could not have made.
    if (key.type === 'OKP' && token.signatureBytes !== ED25519_BYTES) return 'ed25519Length';
    if (await verifies(token, key)) return 'ok';
  }
  return 'verification';
}

async function verifies(token: Token, key: Key): Promise<boolean> {
  const { alg } = token;
  if (key.type !== typeFor(alg) || (CURVES[alg] !== undefined && key.curve !== CURVES[alg])) return false;
  const imported = await importedKey(key, alg);
  if (imported === undefined) return false;
  try {
    await compactVerify(token.text, imported, { algorithms: [alg] });
    return true;
  } catch (thrown) {
    if (thrown instanceof errors.JOSEError || thrown instanceof TypeError) return false;
    throw thrown;
  }
}

function importedKey(key: Key, alg: string): Promise<CryptoKey | Uint8Array | undefined> {
  let imported = key.imported.get(alg);
  if (imported === undefined) {
    // A key that cannot be imported (wrong fields) verifies nothing.
    imported = importJWK({ ...key.jwk, alg }, alg).catch(() => undefined);
    key.imported.set(alg, imported);
  }
  return imported;
}

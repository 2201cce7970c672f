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

/** A key set as it came inline; without keys every token is refused. */
export type KeySet = readonly Key[];

const KEY_TYPES: ReadonlySet<string> = new Set(['RSA', 'EC', 'oct', 'OKP']);
const MAX_KEYS = 100;

/** Reads a JWK set. What is no set, and keys of unknown types, give no keys: tokens are refused for it, nothing breaks. */
export function parseKeySet(text: string): KeySet {
  const given = parse(text);
  const keys = typeof given === 'object' && given !== null ? (given as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(keys)) return [];
  return keys.slice(0, MAX_KEYS).flatMap((jwk: unknown): Key[] => {
    if (typeof jwk !== 'object' || jwk === null) return [];
    const { kid, alg, kty, crv } = jwk as JWK;
    if (typeof kty !== 'string' || !KEY_TYPES.has(kty)) return [];
    return [{ kid: kid ?? '', alg: alg ?? '', type: kty, curve: crv ?? '', jwk: jwk as JWK, imported: new Map() }];
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519' };

function typeFor(alg: string): string {
  if (alg === 'EdDSA') return 'OKP';
  return alg.startsWith('ES') ? 'EC' : alg.startsWith('HS') ? 'oct' : 'RSA';
}

/**
 * Verifies a token's signature with the keys that its `kid` and `alg` allow. A key that names neither serves any token, but always for
 * its own kind of algorithm: a public key is never taken for a shared secret.
 */
export async function verifySignature(token: Token, keys: KeySet): Promise<JwtStatus> {
  if (keys.length === 0) return 'noValidKeys';
  const named = keys.filter(
    ({ kid, alg }) => (token.kid === '' || kid === '' || kid === token.kid) && (alg === '' || alg === token.alg),
  );
  if (named.length === 0) return 'noMatchingKey';
  for (const key of named) if (await verifies(token, key)) return 'ok';
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

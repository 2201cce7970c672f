import type { JwtStatus } from './status.ts';

/** Algorithms that Envoy knows. `none` is not among them. */
const ALGORITHMS: ReadonlySet<string> = new Set([
  ...['ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'EdDSA',
]);

/** A token that is well formed; nothing about it is proved yet. */
export interface Token {
  readonly text: string;
  readonly alg: string;
  /** Empty when the header names no key. */
  readonly kid: string;
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Seconds since 1970; 0 when the claim is absent. */
  readonly notBefore: number;
  readonly expires: number;
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The second section as it came. */
  readonly encodedPayload: string;
  readonly signatureBytes: number;
}

/** Takes a compact JWS apart, checks in Envoy's order. */
export function parseToken(text: string): Token | JwtStatus {
  // As in Envoy, a dot too many is passed over.
  const sections = text.split('.').filter((section) => section !== '');
  if (sections.length !== 3) return 'badFormat';
  const [encodedHeader = '', encodedPayload = '', encodedSignature = ''] = sections;
  const header = decodeObject(encodedHeader, { base64: 'headerBase64', json: 'headerJson' });
  if (typeof header === 'string') return header;
  const { alg, kid = '' } = header;
  if (typeof alg !== 'string') return 'headerAlg';
  if (!ALGORITHMS.has(alg)) return 'algUnsupported';
  if (typeof kid !== 'string') return 'headerKid';
  const payload = decodeObject(encodedPayload, { base64: 'payloadBase64', json: 'payloadJson' });
  if (typeof payload === 'string') return payload;
  const claims = readClaims(payload);
  if (typeof claims === 'string') return claims;
  const signature = decodeBase64Url(encodedSignature);
  if (signature === undefined) return 'signatureBase64';
  return {
    text: sections.join('.'),
    alg,
    kid,
    header,
    payload,
    encodedPayload,
    signatureBytes: signature.length,
    ...claims,
  };
}

type Claims = Pick<Token, 'issuer' | 'audiences' | 'notBefore' | 'expires'>;

function readClaims(payload: Readonly<Record<string, unknown>>): Claims | JwtStatus {
  const { iss = '', sub = '', jti = '', aud } = payload;
  if (typeof iss !== 'string') return 'issNotString';
  if (typeof sub !== 'string') return 'subNotString';
  const issued = readTime(payload['iat'], 'iatNotInteger', 'iatRange');
  if (typeof issued === 'string') return issued;
  const notBefore = readTime(payload['nbf'], 'nbfNotInteger', 'nbfRange');
  if (typeof notBefore === 'string') return notBefore;
  const expires = readTime(payload['exp'], 'expNotInteger', 'expRange');
  if (typeof expires === 'string') return expires;
  if (typeof jti !== 'string') return 'jtiNotString';
  const audiences = aud === undefined ? [] : typeof aud === 'string' ? [aud] : aud;
  if (!Array.isArray(audiences) || !audiences.every((one) => typeof one === 'string')) return 'audNotString';
  return { issuer: iss, audiences, notBefore, expires };
}

function readTime(value: unknown, notInteger: JwtStatus, range: JwtStatus): number | JwtStatus {
  if (value === undefined) return 0;
  if (typeof value !== 'number') return notInteger;
  return value < 0 || value >= 2 ** 64 ? range : Math.trunc(value);
}

function decodeObject(
  encoded: string,
  failures: { readonly base64: JwtStatus; readonly json: JwtStatus },
): Readonly<Record<string, unknown>> | JwtStatus {
  const bytes = decodeBase64Url(encoded);
  if (bytes === undefined) return failures.base64;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : failures.json;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return failures.json;
    throw thrown;
  }
}

function decodeBase64Url(text: string): Buffer | undefined {
  const bare = text.replace(/=+$/, '');
  return /^[A-Za-z0-9_-]*$/.test(bare) && bare.length % 4 !== 1 ? Buffer.from(bare, 'base64url') : undefined;
}

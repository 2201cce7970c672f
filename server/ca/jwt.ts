import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { errorMessage } from '#domain';
import { SigningRefused } from './refused.ts';

const MAX_TOKEN_LENGTH = 8192;

/** Signs and checks JWTs (ES256) with a key of its own that nobody else sees. */
export interface JwtKey {
  sign(claims: object): string;
  /** The claims of a token that this key signed; SigningRefused (UNAUTHENTICATED) for any other. Their content is not looked at. */
  verify(token: string): unknown;
}

export function createJwtKey(): JwtKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const header = encodePart({ alg: 'ES256', typ: 'JWT' });
  return {
    sign: (claims) => {
      const payload = encodePart(claims);
      const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
      return `${header}.${payload}.${sign('sha256', Buffer.from(`${header}.${payload}`), key).toString('base64url')}`;
    },
    verify: (token) => {
      const [head, payload, signature, ...rest] = token.length > MAX_TOKEN_LENGTH ? [] : token.split('.');
      if (head === undefined || payload === undefined || signature === undefined || rest.length > 0) {
        throw refuse('the token is not a JWT of three parts');
      }
      const signed = Buffer.from(`${head}.${payload}`);
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      // The header names the algorithm; only the one that this issuer uses is ever tried.
      if (head !== header || !verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) {
        throw refuse('the token is not signed by this cluster');
      }
      return decodePart(payload);
    },
  };
}

export const refuse = (message: string): SigningRefused => new SigningRefused('UNAUTHENTICATED', message);

const encodePart = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decodePart(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch (cause) {
    throw new SigningRefused('UNAUTHENTICATED', `the token's claims cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

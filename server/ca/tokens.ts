import { generateKeyPairSync, sign, verify } from 'node:crypto';
import type { Clock } from '#domain';
import { errorMessage } from '#domain';
import type { ServiceAccountIdentity, TokenIssuer } from './doors.ts';
import { SigningRefused } from './refused.ts';

const AUDIENCE = 'istio-ca';
const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const DEFAULT_TTL_MS = 12 * 3600_000;
const MAX_TOKEN_LENGTH = 8192;

interface Claims {
  readonly iss: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string };
    readonly pod: { readonly name: string };
  };
}

/** A token issuer with a key of its own; tokens live `ttlMs` (12 h). */
export function createTokenIssuer(options: { readonly clock: Clock; readonly ttlMs?: number }): TokenIssuer {
  const { clock, ttlMs = DEFAULT_TTL_MS } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const header = encodePart({ alg: 'ES256', typ: 'JWT' });
  return {
    mint: ({ namespace, serviceAccount, pod }) => {
      const issuedAt = Math.floor(clock.now() / 1000);
      const payload = encodePart({
        iss: ISSUER,
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        aud: [AUDIENCE],
        iat: issuedAt,
        nbf: issuedAt,
        exp: issuedAt + Math.floor(ttlMs / 1000),
        'kubernetes.io': { namespace, serviceaccount: { name: serviceAccount }, pod: { name: pod } },
      });
      const signature = sign('sha256', Buffer.from(`${header}.${payload}`), {
        key: privateKey,
        dsaEncoding: 'ieee-p1363',
      });
      return `${header}.${payload}.${signature.toString('base64url')}`;
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
      return identityOf(decodePart(payload), clock.now());
    },
  };
}

function identityOf(claims: Claims, nowMs: number): ServiceAccountIdentity {
  if (!claims.aud.includes(AUDIENCE))
    throw refuse(`the token is meant for ${claims.aud.join(', ')}, not for ${AUDIENCE}`);
  if (claims.exp * 1000 <= nowMs) throw refuse('the token has expired');
  const { namespace, serviceaccount, pod } = claims['kubernetes.io'];
  return { namespace, serviceAccount: serviceaccount.name, pod: pod.name };
}

const refuse = (message: string): SigningRefused => new SigningRefused('UNAUTHENTICATED', message);

const encodePart = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decodePart(part: string): Claims {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Claims;
  } catch (cause) {
    throw new SigningRefused('UNAUTHENTICATED', `the token's claims cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

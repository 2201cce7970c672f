import { randomUUID } from 'node:crypto';
import type { Clock } from '#domain';
import { createJwtKey, type JwtKey } from './jwt.ts';
import { SigningRefused } from './refused.ts';
import { TOKEN_ISSUER } from './tokens.ts';

const DEFAULT_TTL_SECONDS = 3600;

/** A service account that a bearer token of the Kubernetes API stands for. */
export interface AccountClaims {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
}

/** Bearer tokens of service accounts, as the TokenRequest API hands them out. */
export interface AccountTokens {
  /** No audiences: the API server itself. */
  issue(account: AccountClaims, expirationSeconds?: number): { readonly token: string; readonly expiresAtMs: number };
  /** Undefined when the token is not of this cluster, or has expired. */
  review(token: string): AccountClaims | undefined;
}

interface Claims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid?: string };
  };
}

/** `key`: the cluster's, which others check too; absent: one of its own. */
export function createAccountTokens(options: { readonly clock: Clock; readonly key?: JwtKey }): AccountTokens {
  const { clock, key = createJwtKey() } = options;
  return {
    issue: ({ namespace, name, uid, audiences }, expirationSeconds = DEFAULT_TTL_SECONDS) => {
      const issuedAt = Math.floor(clock.now() / 1000);
      const token = key.sign({
        aud: audiences.length > 0 ? audiences : [TOKEN_ISSUER],
        exp: issuedAt + expirationSeconds,
        iat: issuedAt,
        iss: TOKEN_ISSUER,
        jti: randomUUID(),
        'kubernetes.io': { namespace, serviceaccount: { name, uid } },
        nbf: issuedAt,
        sub: `system:serviceaccount:${namespace}:${name}`,
      });
      return { token, expiresAtMs: (issuedAt + expirationSeconds) * 1000 };
    },
    review: (token) => {
      const claims = verified(() => key.verify(token) as Claims);
      if (claims === undefined || claims.exp * 1000 <= clock.now()) return undefined;
      const { namespace, serviceaccount } = claims['kubernetes.io'];
      return { namespace, name: serviceaccount.name, uid: serviceaccount.uid ?? '', audiences: claims.aud };
    },
  };
}

function verified<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SigningRefused) return undefined;
    throw error;
  }
}

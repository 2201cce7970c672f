import type { Clock } from '#domain';
import type { ServiceAccountIdentity, TokenIssuer } from './doors.ts';
import { createJwtKey, refuse } from './jwt.ts';

const AUDIENCE = 'istio-ca';
export const TOKEN_ISSUER = 'https://kubernetes.default.svc.cluster.local';
const DEFAULT_TTL_MS = 12 * 3600_000;

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
  const key = createJwtKey();
  return {
    mint: ({ namespace, serviceAccount, pod }) => {
      const issuedAt = Math.floor(clock.now() / 1000);
      return key.sign({
        iss: TOKEN_ISSUER,
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        aud: [AUDIENCE],
        iat: issuedAt,
        nbf: issuedAt,
        exp: issuedAt + Math.floor(ttlMs / 1000),
        'kubernetes.io': { namespace, serviceaccount: { name: serviceAccount }, pod: { name: pod } },
      });
    },
    verify: (token) => identityOf(key.verify(token) as Claims, clock.now()),
  };
}

function identityOf(claims: Claims, nowMs: number): ServiceAccountIdentity {
  if (!claims.aud.includes(AUDIENCE))
    throw refuse(`the token is meant for ${claims.aud.join(', ')}, not for ${AUDIENCE}`);
  if (claims.exp * 1000 <= nowMs) throw refuse('the token has expired');
  const { namespace, serviceaccount, pod } = claims['kubernetes.io'];
  return { namespace, serviceAccount: serviceaccount.name, pod: pod.name };
}

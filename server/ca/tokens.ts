import type { Clock } from '#domain';
import type { ServiceAccountIdentity, TokenIssuer } from './doors.ts';
import { createJwtKey, type JwtKey, refuse } from './jwt.ts';

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
    readonly pod?: { readonly name: string };
  };
}

export interface TokenIssuerOptions {
  readonly clock: Clock;
  /** Life of a token; 12 h unless told. */
  readonly ttlMs?: number;
  /** The cluster's key, so that the CA believes tokens that the API server hands out; absent: a key of its own. */
  readonly key?: JwtKey;
  /** Whether the pod that a token is bound to still exists. Absent: all do. */
  readonly exists?: (pod: { readonly namespace: string; readonly name: string }) => boolean;
}

export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { clock, ttlMs = DEFAULT_TTL_MS, key = createJwtKey(), exists = () => true } = options;
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
        'kubernetes.io': {
          namespace,
          serviceaccount: { name: serviceAccount },
          ...(pod !== undefined && { pod: { name: pod } }),
        },
      });
    },
    verify: (token) => {
      const identity = identityOf(key.verify(token) as Claims, clock.now());
      const { namespace, pod } = identity;
      if (pod === undefined || exists({ namespace, name: pod })) return identity;
      throw refuse(`the token is bound to the pod ${pod}, which is gone`);
    },
  };
}

function identityOf(claims: Claims, nowMs: number): ServiceAccountIdentity {
  if (!claims.aud.includes(AUDIENCE))
    throw refuse(`the token is meant for ${claims.aud.join(', ')}, not for ${AUDIENCE}`);
  if (claims.exp * 1000 <= nowMs) throw refuse('the token has expired');
  const { namespace, serviceaccount, pod } = claims['kubernetes.io'];
  return { namespace, serviceAccount: serviceaccount.name, pod: pod?.name };
}

import {
  type Allowance,
  type JwtProvider,
  type JwtRequirement,
  type TokenLocation,
  takesFrom,
} from '../../../config/jwt-config.ts';
import type { TokenFailure } from '../../../decisions/token-note.ts';
import type { RequestHead } from '../../codec.ts';
import { sanitizeClaims } from './claims.ts';
import { extractTokens, type FoundToken } from './extract.ts';
import { verifySignature } from './keys.ts';
import type { JwtStatus } from './status.ts';
import { parseToken, type Token } from './token.ts';

/** A token that was verified, for whom, and where it stood. */
export interface VerifiedToken {
  readonly provider: JwtProvider;
  readonly token: Token;
  readonly found: FoundToken;
}

export interface Verification {
  readonly head: RequestHead;
  readonly providers: readonly JwtProvider[];
  /** Wall time in seconds. */
  readonly nowSeconds: number;
  /** Called for each token that a provider is asked about. */
  readonly onToken: () => void;
  /** Called for each token that a rule does not accept. */
  readonly onFailure: (failure: TokenFailure) => void;
  /** Called for each failure, one that a rule allows included; without a provider where none was found for the token. */
  readonly onStatus: (status: JwtStatus, provider: JwtProvider | undefined) => void;
  /** Called for each token that holds. */
  readonly onVerified: (verified: VerifiedToken) => void;
}

/** Stops at each signature, for what has to be waited for; all else is judged at once. */
export type Judgement = Generator<Promise<JwtStatus>, JwtStatus, JwtStatus>;

/** Whether a request meets a requirement. Source: verifier.cc and authenticator.cc of Envoy's jwt_authn filter. */
export function* verify(requirement: JwtRequirement, context: Verification): Judgement {
  switch (requirement.kind) {
    case 'provider':
      return yield* verifyProvider(requirement.provider, requirement.audiences, context);
    case 'any':
      return yield* verifyAny(requirement, context);
    case 'all': {
      for (const each of requirement.each) {
        const status = yield* verify(each, context);
        if (status !== 'ok') return status;
      }
      return 'ok';
    }
    case 'missing':
    case 'missingOrFailed':
      return yield* verifyAllowance(requirement, context);
  }
}

/** The last failure that tells more than that there was no token for this one. */
function* verifyAny({ each, allows }: JwtRequirement & { readonly kind: 'any' }, context: Verification): Judgement {
  let final: JwtStatus = 'missing';
  for (const one of each) {
    const status = yield* verify(one, context);
    if (status === 'ok') return status;
    if (tells(status) >= tells(final)) final = status;
  }
  return allows === 'missingOrFailed' || (allows === 'missing' && final === 'missing') ? 'ok' : final;
}

const tells = (status: JwtStatus): number => (status === 'missing' ? 0 : status === 'unknownIssuer' ? 1 : 2);

/** A provider's tokens must all hold, wherever they stand. As in Envoy, headers that another provider has written under the same names are gone by then. */
function* verifyProvider(
  provider: JwtProvider,
  audiences: readonly string[] | undefined,
  context: Verification,
): Judgement {
  sanitizeClaims(context.head.headers, [provider]);
  let status: JwtStatus = 'missing';
  for (const found of lastFirst(context.head, provider.locations)) {
    context.onToken();
    status = yield* verifyToken(found, () => provider, audiences, context);
    if (status === 'ok') continue;
    const token = parseToken(found.text);
    context.onFailure({ provider, status, token: typeof token === 'string' ? undefined : token });
    context.onStatus(status, provider);
    return status;
  }
  if (status === 'missing') context.onStatus(status, undefined);
  return status;
}

/** Envoy takes tokens from the end of its list, so that one in a cookie is judged before one in a header. */
const lastFirst = (...places: Parameters<typeof extractTokens>): readonly FoundToken[] =>
  extractTokens(...places).reverse();

/**
 * Without a token it is content. As in Envoy, all tokens are judged, whatever becomes of one, and the status is that of the last: a good one in a
 * header makes up for a bad one in the query.
 */
function* verifyAllowance(
  { kind, providers, locations }: JwtRequirement & { readonly kind: Allowance },
  context: Verification,
): Judgement {
  sanitizeClaims(context.head.headers, providers);
  // A token that cannot be read is told under the provider of the one before it.
  let provider: JwtProvider | undefined;
  let status: JwtStatus = 'missing';
  for (const found of lastFirst(context.head, locations)) {
    const byIssuer = (token: Token): JwtProvider | undefined => {
      if (!isTakenFrom(providers, found.location, token)) return undefined;
      provider = ofIssuer(context.providers, token);
      return provider;
    };
    status = yield* verifyToken(found, byIssuer, undefined, context);
    if (status !== 'ok') context.onStatus(status, provider);
  }
  if (status === 'missing') context.onStatus(status, undefined);
  return kind === 'missingOrFailed' || status === 'missing' ? 'ok' : status;
}

/** Whether a provider looks there for tokens of this issuer. */
const isTakenFrom = (providers: readonly JwtProvider[], place: TokenLocation, { issuer }: Token): boolean =>
  providers.some((each) => (each.issuer === issuer || each.issuer === '') && takesFrom(each, place));

/** Also one that looks elsewhere; one that names no issuer serves those that nobody else names. */
const ofIssuer = (providers: readonly JwtProvider[], { issuer }: Token): JwtProvider | undefined =>
  providers.find((each) => each.issuer === issuer) ?? providers.find((each) => each.issuer === '');

function* verifyToken(
  found: FoundToken,
  providerOf: (token: Token) => JwtProvider | undefined,
  audiences: readonly string[] | undefined,
  context: Verification,
): Judgement {
  const token = parseToken(found.text);
  if (typeof token === 'string') return token;
  const provider = providerOf(token);
  if (provider === undefined || (provider.issuer !== '' && provider.issuer !== token.issuer)) return 'unknownIssuer';
  const timing = checkTime(token, context.nowSeconds, provider.clockSkewSeconds);
  if (timing !== 'ok') return timing;
  if (!audienceAllowed(token, audiences ?? provider.audiences)) return 'audience';
  if (provider.subjects?.accepts(String(token.payload['sub'] ?? '')) === false) return 'verification';
  if (!lifetimeAllowed(token, provider, context.nowSeconds)) return 'verification';
  const judged = verifySignature(token, provider.keys);
  const status = typeof judged === 'string' ? judged : yield judged;
  if (status === 'ok') context.onVerified({ provider, token, found });
  return status;
}

function lifetimeAllowed({ expires }: Token, { lifetime }: JwtProvider, now: number): boolean {
  if (lifetime === undefined) return true;
  return expires > 0 && (lifetime.maxSeconds === undefined || expires - now <= lifetime.maxSeconds);
}

function checkTime({ notBefore, expires }: Token, now: number, skew: number): JwtStatus {
  if (notBefore > now + skew) return 'notYetValid';
  return expires > 0 && now > expires + skew ? 'expired' : 'ok';
}

const audienceAllowed = ({ audiences }: Token, allowed: readonly string[]): boolean =>
  allowed.length === 0 || audiences.some((one) => allowed.some((other) => bare(one) === bare(other)));

/** Scheme and closing slash make no difference. */
const bare = (audience: string): string => audience.replace(/^https?:\/\//, '').replace(/\/$/, '');

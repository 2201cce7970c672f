import type { Origin } from '#domain';
import type { JwtProvider } from '../config/jwt-config.ts';
import { JWT_STATUS, type JwtStatus } from '../http/filters/jwt/status.ts';
import type { Token } from '../http/filters/jwt/token.ts';
import type { StepNote } from './hop-steps.ts';

/** A rule that did not accept a token. */
export interface TokenFailure {
  readonly provider: JwtProvider;
  readonly status: JwtStatus;
  /** Undefined for one that cannot be read. */
  readonly token: Token | undefined;
}

/** The field of a rule that decided, where it was one. */
const FIELD: Partial<Readonly<Record<JwtStatus, string>>> = {
  unknownIssuer: '.issuer',
  audience: '.audiences',
  noMatchingKey: '.jwks',
  verification: '.jwks',
};

/** Words a refusal: which rule decided, by which field, and what each rule that was tried missed. */
export function noteRefusal(
  status: JwtStatus,
  failures: readonly TokenFailure[],
  origins: ReadonlyMap<string, Origin>,
): StepNote {
  const decided = failures.findLast((failure) => failure.status === status);
  const placed = ({ provider, status: why }: TokenFailure): Origin | undefined => {
    const rule = origins.get(provider.name);
    return rule && { ...rule, path: `${rule.path}${FIELD[why] ?? ''}` };
  };
  const told = new Map(failures.map((failure) => [`${failure.provider.name} ${failure.status}`, failure]));
  return {
    detail: decided === undefined ? JWT_STATUS[status] : withReason(JWT_STATUS[status], reasonOf(decided)),
    origin: decided && placed(decided),
    rejected: [...told.values()].map((failure) => {
      const origin = placed(failure);
      return { name: failure.provider.name, reason: reasonOf(failure), ...(origin !== undefined && { origin }) };
    }),
    evidence: { status: JWT_STATUS[status] },
  };
}

const withReason = (status: string, reason: string): string => (reason === status ? status : `${status}: ${reason}`);

const seconds = (time: number): string => new Date(time * 1000).toISOString();

function reasonOf({ provider, status, token }: TokenFailure): string {
  if (token === undefined) return JWT_STATUS[status];
  const key = `${token.kid === '' ? 'without a kid' : `kid "${token.kid}"`}, alg ${token.alg}`;
  switch (status) {
    case 'unknownIssuer':
      return `needs a token of the issuer "${provider.issuer}", this one is of "${token.issuer}"`;
    case 'audience':
      return `needs one of the audiences ${provider.audiences.join(', ')}, the token has ${token.audiences.join(', ') || 'none'}`;
    case 'expired':
      return `the token ended at ${seconds(token.expires)}`;
    case 'notYetValid':
      return `the token begins at ${seconds(token.notBefore)}`;
    case 'noMatchingKey':
      return `has no key for ${key}`;
    case 'verification':
      return `its key does not vouch for the signature (${key})`;
    default:
      return JWT_STATUS[status];
  }
}

export { type AccountClaims, type AccountTokens, createAccountTokens } from './account-tokens.ts';
export { type AuthorityOptions, createCertificateAuthority } from './authority.ts';
export { type ClusterAuthority, createClusterAuthority } from './cluster-authority.ts';
export * as der from './der.ts';
export type * from './doors.ts';
export { createJwtKey, type JwtKey } from './jwt.ts';
export { type RefusalReason, SigningRefused } from './refused.ts';
export { certificateService, createCertificateClient } from './service.ts';
export { createTokenIssuer, type TokenIssuerOptions } from './tokens.ts';

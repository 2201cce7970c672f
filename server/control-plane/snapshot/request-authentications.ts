import type { KubeObject } from '#domain';
import { type Config, compareConfigs, compareText, toConfig } from './config.ts';
import { attaches, inNamespaces, type PolicySubject, type TargetedSpec } from './policy-target.ts';

/** How the tokens of one issuer are found and verified. */
export interface JwtRule {
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  readonly jwksUri?: string;
  /** The same field: the definition has it under both names. */
  readonly jwks_uri?: string;
  /** A JWK set as text; `jwks` is the name in YAML. */
  readonly jwks?: string;
  readonly fromHeaders?: readonly { readonly name: string; readonly prefix?: string }[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly outputPayloadToHeader?: string;
  readonly forwardOriginalToken?: boolean;
  readonly outputClaimToHeaders?: readonly { readonly header: string; readonly claim: string }[];
  readonly timeout?: string;
  readonly spaceDelimitedClaims?: readonly string[];
}

export interface RequestAuthenticationSpec extends TargetedSpec {
  readonly jwtRules?: readonly JwtRule[];
}

export type RequestAuthentication = Config<RequestAuthenticationSpec>;

/** All RequestAuthentications, the oldest first. */
export const deriveRequestAuthentications = (objects: readonly KubeObject[]): readonly RequestAuthentication[] =>
  objects.map((object) => toConfig<RequestAuthenticationSpec>(object)).sort(compareConfigs);

/** A rule of a policy with its place. */
export interface PlacedJwtRule {
  readonly rule: JwtRule;
  readonly owner: RequestAuthentication;
  /** `spec.jwtRules[0]` */
  readonly path: string;
}

/** The rules of all policies of one workload, by issuer; policies of the workload's namespace come before the root namespace's. */
export function jwtRulesFor(
  all: readonly RequestAuthentication[],
  subject: PolicySubject,
  rootNamespace: string,
): readonly PlacedJwtRule[] {
  return inNamespaces(all, [subject.namespace, rootNamespace])
    .filter((policy) => attaches(policy, subject))
    .flatMap((owner) => (owner.spec.jwtRules ?? []).map((rule, i) => ({ rule, owner, path: `spec.jwtRules[${i}]` })))
    .sort((a, b) => compareText(a.rule.issuer ?? '', b.rule.issuer ?? ''));
}

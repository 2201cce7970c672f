import type { MeshConfig } from '../../doors.ts';

/** Identity without scheme: `cluster.local/ns/default/sa/web`. */
const PARTS = 5;
/** Stands for the mesh's own trust domain, whatever that is called. */
const LOCAL = 'cluster.local';

/** The names of the mesh's trust domain, its own first. */
export const meshTrustDomains = ({
  trustDomain,
  trustDomainAliases,
}: Pick<MeshConfig, 'trustDomain' | 'trustDomainAliases'>): readonly string[] => [
  trustDomain,
  ...[...new Set(trustDomainAliases)].sort(),
];

/**
 * Principals with every name of the mesh's trust domain. One whose trust domain is `*`, or that is no complete identity, speaks of no
 * trust domain; one of a foreign trust domain stays. Source: ReplaceTrustDomainAliases in istio pilot.
 */
export const withTrustDomains = (principals: readonly string[], trustDomains: readonly string[]): string[] =>
  principals.flatMap((principal) => {
    const parts = principal.split('/');
    const domain = parts[0] ?? '';
    if (parts.length !== PARTS || domain === '*') return [principal];
    if (domain !== LOCAL && !trustDomains.some((known) => overlap(domain, known))) return [principal];
    const rest = parts.slice(1).join('/');
    // `*-td` covers `old-td` already: the principal stays as it is for that one.
    return [...new Set(trustDomains.map((known) => (hasSuffix(known, domain) ? principal : `${known}/${rest}`)))];
  });

/** A trust domain of this mesh stands for all of them. */
export const expandTrustDomains = (values: readonly string[], trustDomains: readonly string[]): string[] => [
  ...new Set(values.flatMap((value) => (trustDomains.includes(value) ? trustDomains : [value]))),
];

const hasPrefix = (text: string, pattern: string): boolean =>
  pattern.endsWith('*') && text.startsWith(pattern.slice(0, -1));

const hasSuffix = (text: string, pattern: string): boolean =>
  pattern.startsWith('*') && text.endsWith(pattern.slice(1));

const overlap = (a: string, b: string): boolean =>
  a === b || b === '*' || hasPrefix(a, b) || hasPrefix(b, a) || hasSuffix(a, b) || hasSuffix(b, a);

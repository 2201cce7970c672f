import { serviceHostname } from '#domain';
import { isIp } from './addresses.ts';
import { compareText } from './config.ts';

/**
 * A host as it stands in a rule, made complete: a name without a dot belongs to the namespace of the rule (not of the client, not of
 * the destination). `*`, wildcards, complete names and addresses stay as they are.
 */
export function resolveHost(host: string, namespace: string): string {
  return host === '' || host === '*' || host.includes('.') || isIp(host) ? host : serviceHostname(host, namespace);
}

export const isWildcard = (host: string): boolean => host.startsWith('*');

/** Exact hosts before wildcards, longer before shorter ones, then by their letters. */
export const compareSpecificity = (a: string, b: string): number =>
  Number(isWildcard(a)) - Number(isWildcard(b)) || b.length - a.length || compareText(a, b);

/** Whether two hosts have names in common; either may be a wildcard (`*`, `*.example.com`). */
export function hostsOverlap(a: string, b: string): boolean {
  const wildA = isWildcard(a);
  const wildB = isWildcard(b);
  if (wildA && wildB) return a.length < b.length ? b.endsWith(a.slice(1)) : a.endsWith(b.slice(1));
  if (wildA) return b.endsWith(a.slice(1));
  if (wildB) return a.endsWith(b.slice(1));
  return a === b;
}

/** Whether the wildcard or exact `pattern` covers every name of `host`. */
export function hostCovers(pattern: string, host: string): boolean {
  if (!isWildcard(pattern)) return pattern === host;
  return isWildcard(host)
    ? host.length >= pattern.length && host.slice(1).endsWith(pattern.slice(1))
    : host.endsWith(pattern.slice(1));
}

/** The more specific of each pair of overlapping hosts, in the order of `left`; no name twice. */
export function intersectHosts(left: readonly string[], right: readonly string[]): string[] {
  const found = new Set<string>();
  for (const a of left) {
    for (const b of right) {
      if (hostCovers(a, b)) found.add(b);
      else if (hostCovers(b, a)) found.add(a);
    }
  }
  return [...found];
}

/**
 * What a table of exact and wildcard hosts says about a host: its own entry, else that of the most specific wildcard that covers it.
 * Source: MostSpecificHostMatch in istio pilot.
 */
export function mostSpecific<Value>(host: string, table: ReadonlyMap<string, Value>): Value | undefined {
  const own = table.get(host);
  if (own !== undefined) return own;
  const needle = isWildcard(host) ? host.slice(1) : host;
  let best: { readonly pattern: string; readonly value: Value } | undefined;
  for (const [pattern, value] of table) {
    if (!isWildcard(pattern) || !needle.endsWith(pattern.slice(1))) continue;
    if (best === undefined || pattern.length > best.pattern.length) best = { pattern, value };
  }
  return best?.value;
}

export const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((entry) => b.has(entry));

/** Whether every wanted label is there with the wanted value. No wanted labels match everything. */
export function labelsMatch(
  wanted: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  return wanted === undefined || Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

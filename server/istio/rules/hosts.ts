import { isIpAddress } from './addresses.ts';

const LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const WILDCARD_LABEL = /^(?:\*|(?:\*|(?:\*-)?[a-zA-Z0-9])(?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;

export const isLabel = (text: string): boolean => text.length <= 63 && LABEL.test(text);

function lengthProblem(domain: string): string | undefined {
  if (Buffer.byteLength(domain) > 255) return `domain name "${domain}" too long (max 255)`;
  return domain.length === 0 ? 'empty domain name not allowed' : undefined;
}

function labelsProblem(domain: string): string | undefined {
  const labels = domain.split('.');
  const top = labels.at(-1) ?? '';
  if (/^[+-]?\d+$/.test(top)) {
    return `domain name "${domain}" invalid (top level domain "${top}" cannot be all-numeric)`;
  }
  for (const [index, label] of labels.entries()) {
    // A final dot is allowed: `istio.io.`
    if (index === labels.length - 1 && label === '') return undefined;
    if (!isLabel(label)) return `domain name "${domain}" invalid (label "${label}" invalid)`;
  }
  return undefined;
}

/** What is wrong with a fully qualified name; undefined when nothing is. */
export const fqdnProblem = (domain: string): string | undefined => lengthProblem(domain) ?? labelsProblem(domain);

/** As fqdnProblem, with `*` allowed in the first label. */
export function wildcardDomainProblem(domain: string): string | undefined {
  const wrong = lengthProblem(domain);
  if (wrong) return wrong;
  const dot = domain.indexOf('.');
  const first = dot < 0 ? domain : domain.slice(0, dot);
  if (first.length > 63 || !WILDCARD_LABEL.test(first)) {
    return `domain name "${domain}" invalid (label "${first}" invalid)`;
  }
  return dot < 0 ? undefined : labelsProblem(domain.slice(dot + 1));
}

const PARTIAL = (host: string): string => `partial wildcard "${host}" not allowed`;

/** `*.example.com` and `*` may stand; `*-a.example.com` may not. */
export const partialWildcardProblem = (host: string): string | undefined =>
  host.includes('*') && host.length !== 1 && !host.startsWith('*.') ? PARTIAL(host) : undefined;

/** What is wrong with a host of a Gateway's server: `host`, `namespace/host`, `./host`, `*` + `/host`; `noneAllowed`: or `~/host`. */
export function gatewayHostProblems(host: string, options: { readonly noneAllowed?: boolean } = {}): string[] {
  const slash = host.indexOf('/');
  if (slash < 0) return hostPartProblems(host, { addressAllowed: true });
  const namespace = host.slice(0, slash);
  const problems = emptyPartProblems(namespace, host.slice(slash + 1));
  const special = namespace === '*' || namespace === '.' || (namespace === '~' && options.noneAllowed);
  if (!special && !isLabel(namespace)) {
    problems.push(`invalid namespace value "${namespace}" in gateway`);
  }
  return [...problems, ...hostPartProblems(host.slice(slash + 1), { addressAllowed: true })];
}

/** What is wrong with a host of a Sidecar's egress: `namespace/host`, the namespace `*`, `.`, `~` or with a leading `~` left out. */
export function egressHostProblems(host: string): string[] {
  const slash = host.indexOf('/');
  if (slash < 0) return ['host must be of form namespace/dnsName'];
  const stated = host.slice(0, slash);
  const problems = emptyPartProblems(stated, host.slice(slash + 1));
  const namespace = stated.replace(/^~/, '');
  if (!['', '*', '.'].includes(namespace) && !isLabel(namespace)) {
    problems.push(`invalid namespace value "${stated}" in sidecar`);
  }
  return [...problems, ...hostPartProblems(host.slice(slash + 1), { addressAllowed: false })];
}

const emptyPartProblems = (namespace: string, name: string): string[] =>
  namespace === '' || name === '' ? ['config namespace and dnsName in host entry cannot be empty'] : [];

function hostPartProblems(host: string, options: { readonly addressAllowed: boolean }): string[] {
  const problems: string[] = [];
  if (host !== '*' && !host.includes('.')) problems.push('short names (non FQDN) are not allowed');
  const wrong = wildcardDomainProblem(host);
  if (wrong && !(options.addressAllowed && isIpAddress(host))) problems.push(wrong);
  const partial = partialWildcardProblem(host);
  if (partial) problems.push(partial);
  return problems;
}

const suffixOf = (host: string): string => host.slice(1);

/** Whether the two hosts have a name in common: either covers the other. */
export function hostsMatch(a: string, b: string): boolean {
  if (a === b) return true;
  if (a.startsWith('*') && b.startsWith('*'))
    return suffixOf(a).endsWith(suffixOf(b)) || suffixOf(b).endsWith(suffixOf(a));
  if (a.startsWith('*')) return b.endsWith(suffixOf(a));
  return b.startsWith('*') && a.endsWith(suffixOf(b));
}

/** Whether every name of `host` is one of `cover`. */
export function isSubsetOf(host: string, cover: string): boolean {
  if (!cover.startsWith('*')) return host === cover;
  if (!host.startsWith('*')) return host.endsWith(suffixOf(cover));
  return host.length >= cover.length && suffixOf(host).endsWith(suffixOf(cover));
}

import { isIP, isIPv4, isIPv6 } from 'node:net';

const LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const WILDCARD_LABEL = /^(?:\*|(?:\*|(?:\*-)?[a-zA-Z0-9])(?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;

export const isLabel = (text: string): boolean => text.length <= 63 && LABEL.test(text);

// The test for IPv6 is a large regular expression, slow the first time.
export const isIpAddress = (text: string): boolean => isIPv4(text) || (text.includes(':') && isIPv6(text));

function lengthProblem(domain: string): string | undefined {
  if (domain.length > 255) return `domain name "${domain}" too long (max 255)`;
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

/** What is wrong with a host of a Gateway's server: `host`, `namespace/host`, `./host` or `*` + `/host`. */
export function gatewayHostProblems(host: string): string[] {
  const slash = host.indexOf('/');
  if (slash < 0) return hostPartProblems(host);
  const namespace = host.slice(0, slash);
  const name = host.slice(slash + 1);
  const problems: string[] = [];
  if (namespace === '' || name === '') problems.push('config namespace and dnsName in host entry cannot be empty');
  if (namespace !== '*' && namespace !== '.' && !isLabel(namespace)) {
    problems.push(`invalid namespace value "${namespace}" in gateway`);
  }
  return [...problems, ...hostPartProblems(name)];
}

function hostPartProblems(host: string): string[] {
  const problems: string[] = [];
  if (host !== '*' && !host.includes('.')) problems.push('short names (non FQDN) are not allowed');
  const wrong = wildcardDomainProblem(host);
  if (wrong && !isIpAddress(host)) problems.push(wrong);
  if (host.includes('*') && host.length !== 1 && !host.startsWith('*.')) {
    problems.push(`partial wildcard "${host}" not allowed`);
  }
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
  const inner = host.startsWith('*') ? suffixOf(host) : host;
  return inner.endsWith(suffixOf(cover));
}

/** `10.0.0.0/8`, `10.0.0.1`: what is wrong with a subnet. */
export function subnetProblem(subnet: string): string | undefined {
  const [address = '', bits, ...rest] = subnet.split('/');
  if (bits === undefined) return isIpAddress(address) ? undefined : `${subnet} is not a valid IP`;
  const size = isIP(address) === 6 ? 128 : 32;
  const valid = rest.length === 0 && isIpAddress(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= size;
  return valid ? undefined : `${subnet} is not a valid CIDR block`;
}

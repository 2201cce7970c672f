import { SocketAddress } from 'node:net';

/** The names in a certificate that a peer is checked against. */
export interface SubjectAltNames {
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly emails: readonly string[];
  /** Those and the other ones, as they stand in the certificate. */
  readonly inOrder: readonly string[];
}

/** One entry: a type, a colon, and a value that Node quotes as JSON when it holds a comma or another delimiter. */
const ENTRY = /(URI|DNS|IP Address|email|[A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

/** Reads the text of `X509Certificate.subjectAltName`. */
export function parseSubjectAltNames(text: string | undefined): SubjectAltNames {
  const uris: string[] = [];
  const dns: string[] = [];
  const ips: string[] = [];
  const emails: string[] = [];
  const inOrder: string[] = [];
  for (const [, type, value] of (text ?? '').matchAll(ENTRY)) {
    const written = value!.startsWith('"') ? unquote(value!) : value!;
    const plain = type === 'IP Address' ? shortAddress(written) : written;
    if (type === 'URI') uris.push(plain);
    else if (type === 'DNS') dns.push(plain);
    else if (type === 'IP Address') ips.push(plain);
    else if (type === 'email') emails.push(plain);
    // What kind of other name it is stands before it.
    inOrder.push(type === 'othername' ? plain.replace(/^[^:]*:+/, '') : plain);
  }
  return { uris, dns, ips, emails, inOrder };
}

/**
 * Whether a certificate has this name or address, or a wildcard for the name: `*.shop.example` stands for one label more. Source:
 * verifySubjectAltName and dnsNameMatch in Envoy.
 */
export function coversName(names: SubjectAltNames, name: string): boolean {
  return coversDnsName(names, name) || names.uris.includes(name) || names.ips.includes(name);
}

/** The same of names in DNS alone. */
export function coversDnsName({ dns }: SubjectAltNames, name: string): boolean {
  const wanted = name.toLowerCase();
  const dot = wanted.indexOf('.');
  const wildcard = dot < 0 ? undefined : `*${wanted.slice(dot)}`;
  return dns.some((each) => each.toLowerCase() === wanted || each.toLowerCase() === wildcard);
}

/** An address as `inet_ntop` writes it. Node writes all eight groups of one of IPv6. */
function shortAddress(whole: string): string {
  if (!whole.includes(':')) return whole;
  try {
    return new SocketAddress({ family: 'ipv6', address: whole }).address;
  } catch {
    return whole;
  }
}

function unquote(quoted: string): string {
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === 'string' ? value : '';
  } catch {
    // Not JSON: a name that nobody expects.
    return '';
  }
}

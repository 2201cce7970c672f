import { isIPv4, isIPv6 } from 'node:net';
import { hasControlCharacter } from './header-value.ts';

/** The parts of a URL that rules look at. */
export interface GoUrl {
  readonly scheme: string;
  /** Name or address with the port. */
  readonly host: string;
  readonly port: string;
}

const USER_INFO = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;

const problem = (why: string): { readonly problem: string } => ({ problem: why });

const badEscape = (text: string): string | undefined => /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0];

/** An address in brackets: IPv6 only, with its zone escaped. */
function literalProblem(inside: string): string | undefined {
  if (isIPv4(inside)) return 'invalid IP-literal';
  const [address = '', zone] = inside.split('%25');
  if (zone === undefined && inside.includes('%'))
    return `invalid URL escape "${inside.slice(inside.indexOf('%')).slice(0, 3)}"`;
  return isIPv6(address) ? undefined : `invalid host: ParseAddr("${inside}"): unable to parse IP`;
}

function authority(text: string): GoUrl | { readonly problem: string } {
  const at = text.lastIndexOf('@');
  const user = text.slice(0, Math.max(0, at));
  if (!USER_INFO.test(user)) return problem('net/url: invalid userinfo');
  const userEscape = badEscape(user);
  if (userEscape !== undefined) return problem(`invalid URL escape "${userEscape}"`);
  const host = text.slice(at + 1);
  const isLiteral = host.startsWith('[');
  if (host.lastIndexOf('[') > 0) return problem('invalid IP-literal');
  const bracket = host.lastIndexOf(']');
  if (isLiteral && bracket < 0) return problem("missing ']' in host");
  const colon = host.indexOf(':', isLiteral ? bracket : 0);
  const tail = isLiteral ? host.slice(bracket + 1) : colon < 0 ? '' : host.slice(colon);
  if (tail !== '' && !/^:\d*$/.test(tail)) return problem(`invalid port "${tail}" after host`);
  const parsed = { scheme: '', host, port: tail.slice(1) };
  if (isLiteral) {
    const wrong = literalProblem(host.slice(1, bracket));
    return wrong === undefined ? parsed : problem(wrong);
  }
  const escape = badEscape(host) ?? /%(?!25)[0-7][0-9a-fA-F]/.exec(host)?.[0];
  if (escape !== undefined) return problem(`invalid URL escape "${escape}"`);
  const strange = /[ #\\^`{|}]/.exec(host)?.[0];
  return strange === undefined ? parsed : problem(`invalid character "${strange}" in host name`);
}

/**
 * Reads a URL as Go's net/url does. `request`: as a request line would name it (`ParseRequestURI`), absolute or from the root, no
 * fragment. The problem is in Go's words, without the text itself.
 */
export function parseGoUrl(
  text: string,
  options: { readonly request?: boolean } = {},
): GoUrl | { readonly problem: string } {
  if (hasControlCharacter(text) || text.includes('\t')) return problem('net/url: invalid control character in URL');
  if (text === '' && options.request) return problem('empty url');
  const rest0 = options.request ? text : (text.split('#')[0] ?? '');
  const fragmentEscape = options.request ? undefined : badEscape(text.slice(rest0.length));
  if (fragmentEscape !== undefined) return problem(`invalid URL escape "${fragmentEscape}"`);
  const colon = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(rest0);
  if (/^:/.test(rest0)) return problem('missing protocol scheme');
  const scheme = (colon?.[1] ?? '').toLowerCase();
  const rest = (colon ? rest0.slice(colon[0].length) : rest0).split('?')[0] ?? '';
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { scheme, host: '', port: '' };
    if (options.request) return problem('invalid URI for request');
    if ((rest.split('/')[0] ?? '').includes(':')) return problem('first path segment in URL cannot contain colon');
  }
  const named = rest.startsWith('//') && (scheme !== '' || !(options.request || rest.startsWith('///')));
  const host = named ? (rest.slice(2).split('/')[0] ?? '') : '';
  const path = named ? rest.slice(2 + host.length) : rest;
  const escape = badEscape(path);
  if (escape !== undefined) return problem(`invalid URL escape "${escape}"`);
  const parsed = authority(host);
  return 'problem' in parsed ? parsed : { ...parsed, scheme };
}

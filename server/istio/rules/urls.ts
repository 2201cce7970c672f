import { hasControlCharacter } from './header-value.ts';

/** The parts of a URL that rules look at. */
export interface GoUrl {
  readonly scheme: string;
  /** Name or address with the port. */
  readonly host: string;
  readonly port: string;
}

const problem = (why: string): { readonly problem: string } => ({ problem: why });

const badEscape = (text: string): string | undefined => /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0];

function authority(text: string): GoUrl | { readonly problem: string } {
  const host = text.slice(text.lastIndexOf('@') + 1);
  const bracket = host.startsWith('[') ? host.lastIndexOf(']') : 0;
  if (bracket < 0) return problem("missing ']' in host");
  const tail = host.startsWith('[')
    ? host.slice(bracket + 1)
    : host.includes(':')
      ? host.slice(host.lastIndexOf(':'))
      : '';
  if (tail !== '' && !/^:\d*$/.test(tail)) return problem(`invalid port "${tail}" after host`);
  const escape = badEscape(host);
  if (escape !== undefined) return problem(`invalid URL escape "${escape}"`);
  const strange = /[ \\^`{|}]/.exec(host)?.[0];
  if (strange !== undefined) return problem(`invalid character "${strange}" in host name`);
  return { scheme: '', host, port: tail.slice(1) };
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
